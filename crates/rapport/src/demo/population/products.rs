//! What the company sells: a small assortment around tea, and what is put into a basket.

use super::chance::Chance;
use super::market::Country;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    Tea,
    Coffee,
    Ware,
    Sweets,
    Gifts,
}

impl Category {
    /// By share of the customers who like it best, per mille.
    pub const LIKED: [(u32, Self); 5] =
        [(470, Self::Tea), (240, Self::Coffee), (110, Self::Ware), (110, Self::Sweets), (70, Self::Gifts)];

    pub fn name(self) -> &'static str {
        match self {
            Self::Tea => "tea",
            Self::Coffee => "coffee",
            Self::Ware => "ware",
            Self::Sweets => "sweets",
            Self::Gifts => "gifts",
        }
    }

    /// Days until one needs more of it.
    pub fn lasts(self) -> i64 {
        match self {
            Self::Tea => 34,
            Self::Coffee => 23,
            Self::Ware => 80,
            Self::Sweets => 45,
            Self::Gifts => 95,
        }
    }

    /// Places in [`PRODUCTS`].
    fn products(self) -> std::ops::Range<u32> {
        match self {
            Self::Tea => 0..9,
            Self::Coffee => 9..14,
            Self::Ware => 14..20,
            Self::Sweets => 20..24,
            Self::Gifts => 24..27,
        }
    }
}

#[derive(Debug)]
pub struct Product {
    pub sku: &'static str,
    pub name: &'static str,
    pub category: Category,
    /// What one searches for to find it.
    pub query: &'static str,
    /// In hundredths of a yuan.
    pub fen: i64,
}

const fn product(sku: &'static str, name: &'static str, category: Category, query: &'static str, fen: i64) -> Product {
    Product { sku, name, category, query, fen }
}

pub static PRODUCTS: [Product; 27] = [
    product("tea-longjing-100", "Longjing, spring harvest, 100 g", Category::Tea, "longjing", 16_800),
    product("tea-longjing-50", "Longjing, summer harvest, 50 g", Category::Tea, "green tea", 6_490),
    product("tea-baicha-50", "Anji white leaf, 50 g", Category::Tea, "white leaf tea", 8_900),
    product("tea-oolong-100", "Cliff oolong, dark roast, 100 g", Category::Tea, "oolong", 12_600),
    product("tea-puer-357", "Pu'er cake, five years, 357 g", Category::Tea, "puer cake", 23_800),
    product("tea-jasmine-100", "Jasmine pearls, 100 g", Category::Tea, "jasmine", 7_900),
    product("tea-keemun-100", "Keemun black, 100 g", Category::Tea, "black tea", 6_800),
    product("tea-sencha-80", "Sencha, shaded ten days, 80 g", Category::Tea, "sencha", 9_900),
    product("tea-chrys-60", "Chrysanthemum buds, 60 g", Category::Tea, "chrysanthemum", 4_590),
    product("cof-yunnan-250", "Yunnan washed, 250 g", Category::Coffee, "yunnan coffee", 7_800),
    product("cof-yunnan-1000", "Yunnan washed, 1 kg", Category::Coffee, "coffee beans 1kg", 25_900),
    product("cof-espresso-250", "House espresso, 250 g", Category::Coffee, "espresso", 6_900),
    product("cof-decaf-250", "Decaf, 250 g", Category::Coffee, "decaf", 8_200),
    product("cof-drip-10", "Drip bags, ten", Category::Coffee, "drip bags", 5_900),
    product("war-gaiwan", "Gaiwan, celadon, 120 ml", Category::Ware, "gaiwan", 13_900),
    product("war-pot-clay", "Clay pot, 180 ml", Category::Ware, "teapot", 32_800),
    product("war-cups-4", "Tasting cups, four", Category::Ware, "cups", 9_600),
    product("war-kettle", "Gooseneck kettle, 0.8 l", Category::Ware, "kettle", 28_900),
    product("war-grinder", "Hand grinder", Category::Ware, "coffee grinder", 36_900),
    product("war-tray", "Bamboo tray", Category::Ware, "tea tray", 18_500),
    product("swe-osmanthus", "Osmanthus cakes, eight", Category::Sweets, "osmanthus cake", 4_900),
    product("swe-sesame", "Black sesame brittle, 200 g", Category::Sweets, "sesame", 3_290),
    product("swe-lotus", "Candied lotus seeds, 150 g", Category::Sweets, "lotus seeds", 2_990),
    product("swe-plum", "Plum pastilles, 100 g", Category::Sweets, "plum", 2_450),
    product("gif-tasting", "Tasting box, six teas", Category::Gifts, "tea gift", 19_900),
    product("gif-lacquer", "Lacquer box with Longjing", Category::Gifts, "gift box", 58_800),
    product("gif-card", "Gift card", Category::Gifts, "gift card", 20_000),
];

/// One of a category, by its place in [`PRODUCTS`].
pub fn one_of(category: Category, chance: &mut Chance) -> u8 {
    let places = category.products();
    (places.start + chance.below(places.end - places.start)) as u8
}

/// What somebody with this taste looks at.
pub fn interesting(favourite: Category, chance: &mut Chance) -> u8 {
    let category = if chance.per_mille(650) { favourite } else { chance.weighted(&Category::LIKED) };
    one_of(category, chance)
}

/// Up to three products and how many of each; none twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Basket {
    lines: [(u8, u8); 3],
}

impl Basket {
    /// With what was looked at, and perhaps more.
    pub fn fill(first: u8, favourite: Category, chance: &mut Chance) -> Self {
        let mut basket = Self::default();
        basket.put(first, chance.weighted(&[(70, 1), (22, 2), (8, 3)]));
        for more in [400, 250] {
            if chance.per_mille(more) {
                let product = interesting(favourite, chance);
                basket.put(product, chance.weighted(&[(80, 1), (20, 2)]));
            }
        }
        basket
    }

    /// For a restaurant: much of a few things.
    pub fn wholesale(chance: &mut Chance) -> Self {
        let mut basket = Self::default();
        for category in [Category::Tea, Category::Coffee] {
            basket.put(one_of(category, chance), 10 + chance.below(31) as u8);
        }
        basket
    }

    fn put(&mut self, product: u8, quantity: u8) {
        let known = self.lines.iter().position(|line| line.1 > 0 && line.0 == product);
        match known.or_else(|| self.lines.iter().position(|line| line.1 == 0)) {
            Some(place) => self.lines[place] = (product, self.lines[place].1 + quantity),
            None => debug_assert!(false, "three lines at most are put in"),
        }
    }

    /// Its first line alone.
    pub fn first_line(self) -> Self {
        Self { lines: [self.lines[0], (0, 0), (0, 0)] }
    }

    pub fn first_product(self) -> u8 {
        self.lines[0].0
    }

    pub fn lines(&self) -> impl Iterator<Item = (&'static Product, i64)> {
        let filled = self.lines.iter().filter(|line| line.1 > 0);
        filled.map(|line| (&PRODUCTS[usize::from(line.0)], i64::from(line.1)))
    }

    /// In the smallest pieces of the country's currency: the sum of its lines, exactly.
    pub fn amount(&self, country: &Country) -> i64 {
        self.lines().map(|(product, quantity)| country.price(product.fen) * quantity).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_product_lies_in_its_category() {
        for (_, category) in Category::LIKED {
            for place in category.products() {
                assert_eq!(PRODUCTS[place as usize].category, category);
            }
        }
        let all: u32 = Category::LIKED.iter().map(|(_, category)| category.products().len() as u32).sum();
        assert_eq!(all as usize, PRODUCTS.len());
    }
}
