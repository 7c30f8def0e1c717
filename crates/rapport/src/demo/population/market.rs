//! Where customers live: currencies, clocks, telephone numbers, cities.

/// A country that the company sells to.
#[derive(Debug)]
pub struct Country {
    /// ISO 3166-1 alpha-2.
    pub code: &'static str,
    pub currency: &'static str,
    /// Digits after the point.
    pub digits: usize,
    /// What a fen of the catalogue's price is here: so many of the currency's smallest pieces, per mille.
    pub per_fen: i64,
    /// Hours ahead of UTC.
    pub offset: i64,
    pub language: &'static str,
    pub cities: &'static [&'static str],
    pub first_names: &'static [&'static str],
    phone: Phone,
}

/// Mobile numbers: a prefix, then so many digits, counted from the first.
#[derive(Debug)]
struct Phone {
    prefix: &'static str,
    digits: usize,
    first: u64,
    many: u64,
}

/// Scatters neighbouring customers over a range of numbers: it has no divisor in common with the ranges' sizes.
const SCATTER: u64 = 6_180_341;

/// By share of the customers, per mille; the first is home.
pub const COUNTRIES: [(u32, &Country); 5] = [(780, &CN), (60, &DE), (60, &JP), (60, &SG), (40, &US)];

static CN: Country = Country {
    code: "CN",
    currency: "CNY",
    digits: 2,
    per_fen: 1_000,
    offset: 8,
    language: "zh",
    cities: &["Hangzhou", "Shanghai", "Suzhou", "Ningbo", "Nanjing", "Beijing", "Chengdu", "Shenzhen"],
    first_names: &["Wei", "Ying", "Jun", "Lan", "Ming", "Hui", "Tao", "Qing", "Bo", "Mei", "Xia", "Yun"],
    phone: Phone { prefix: "+86139", digits: 8, first: 0, many: 100_000_000 },
};

static DE: Country = Country {
    code: "DE",
    currency: "EUR",
    digits: 2,
    per_fen: 135,
    offset: 1,
    language: "de",
    cities: &["Berlin", "Hamburg", "Leipzig", "Freiburg"],
    first_names: &["Anna", "Jonas", "Lena", "Emil", "Greta", "Paul", "Ida", "Felix"],
    phone: Phone { prefix: "+49151", digits: 8, first: 0, many: 100_000_000 },
};

static JP: Country = Country {
    code: "JP",
    currency: "JPY",
    digits: 0,
    per_fen: 210,
    offset: 9,
    language: "ja",
    cities: &["Kyoto", "Osaka", "Tokyo", "Fukuoka"],
    first_names: &["Aoi", "Haru", "Ren", "Yui", "Sora", "Mio", "Kaito", "Rin"],
    phone: Phone { prefix: "+8190", digits: 8, first: 10_000_000, many: 90_000_000 },
};

static SG: Country = Country {
    code: "SG",
    currency: "SGD",
    digits: 2,
    per_fen: 190,
    offset: 8,
    language: "en",
    cities: &["Singapore"],
    first_names: &["Amir", "Chloe", "Devi", "Ethan", "Farah", "Jia", "Kavin", "Nora"],
    phone: Phone { prefix: "+659", digits: 7, first: 0, many: 9_000_000 },
};

static US: Country = Country {
    code: "US",
    currency: "USD",
    digits: 2,
    per_fen: 150,
    offset: -5,
    language: "en",
    cities: &["Boston", "New York", "Atlanta"],
    first_names: &["Ada", "Cole", "Ella", "Finn", "Ivy", "Jude", "Lucy", "Owen"],
    phone: Phone { prefix: "+1617", digits: 7, first: 2_000_000, many: 8_000_000 },
};

impl Country {
    /// At home there are stores, and WeChat.
    pub fn has_stores(&self) -> bool {
        self.code == CN.code
    }

    /// A number of its own for each customer, in the form of the country.
    pub fn phone(&self, customer: u32) -> String {
        let Phone { prefix, digits, first, many } = self.phone;
        let scattered = (u64::from(customer) + 1) * SCATTER % many;
        format!("{prefix}{:0digits$}", first + scattered)
    }

    /// A catalogue price in the smallest pieces of the currency, in round tens where these are small.
    pub fn price(&self, fen: i64) -> i64 {
        let pieces = fen * self.per_fen / 1_000;
        (pieces - pieces % 10).max(10)
    }

    /// As a decimal string: 12990 is 129.90, and in yen 12990.
    pub fn decimal(&self, pieces: i64) -> String {
        match self.digits {
            0 => pieces.to_string(),
            digits => {
                let one = 10_i64.pow(digits as u32);
                format!("{}.{:0digits$}", pieces / one, pieces % one)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rapport_touchpoint::{Currency, Normalisation};

    use super::*;

    #[test]
    fn every_customer_has_a_valid_number_of_its_own() {
        for (_, country) in COUNTRIES {
            let mut numbers = BTreeSet::new();
            for customer in (0..1_000_000).step_by(997) {
                let phone = country.phone(customer);
                assert_eq!(Normalisation::Phone.apply(&phone, None).as_ref(), Some(&phone));
                assert!(numbers.insert(phone));
            }
        }
    }

    #[test]
    fn money_has_the_digits_of_its_currency() {
        for (_, country) in COUNTRIES {
            assert!(Currency::parse(country.currency).is_ok());
        }
        assert_eq!(CN.decimal(CN.price(12_990)), "129.90");
        assert_eq!(JP.decimal(JP.price(12_990)), "2720");
        assert_eq!(CN.decimal(5), "0.05");
    }
}
