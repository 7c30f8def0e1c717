//! What is looked at: pages, screens, products, advertisements.

use serde_json::{Value, json};

use super::super::calendar::HOUR;
use super::super::plan::{Form, Page, Place};
use super::super::products::PRODUCTS;
use super::{Teller, maybe};

const SHOP: &str = "https://shop.example.com";
const CAMPAIGNS: [(&str, &str, &str); 6] = [
    ("google_ads", "spring_harvest", "green tea"),
    ("google_ads", "brand", "tea shop"),
    ("google_ads", "coffee_beans", "coffee beans"),
    ("baidu_ads", "longjing", "longjing"),
    ("baidu_ads", "gifts", "tea gift"),
    ("instagram_ads", "ware", ""),
];
const SCREENS: [&str; 6] = ["home", "category", "favourites", "order_history", "club", "brewing_timer"];

impl Teller<'_> {
    pub(super) fn ad_clicked(&mut self, campaign: u8) -> Value {
        let (platform, campaign, keyword) = CAMPAIGNS[usize::from(campaign) % CAMPAIGNS.len()];
        let cost = self.me.country.decimal(self.me.country.price(i64::from(60 + 10 * self.chance.below(40))));
        let mut data = json!({
            "platform": platform,
            "campaign_id": campaign,
            "ad_id": format!("{campaign}-{}", 1 + self.chance.below(3)),
            "landing_url": format!("{SHOP}/?utm_campaign={campaign}"),
            "cost": cost,
            "currency": self.me.country.currency,
            "utm_medium": "cpc",
            "utm_campaign": campaign,
        });
        maybe(&mut data, "keyword", (!keyword.is_empty()).then_some(keyword));
        data
    }

    pub(super) fn page_viewed(&mut self, page: Page, from: Option<Place>, session: u16) -> Value {
        let favourite = self.me.favourite.name();
        let (path, title) = match page {
            Page::Home => ("/".to_owned(), "Tea, coffee and what one needs for them".to_owned()),
            Page::Category => (format!("/{favourite}"), format!("All {favourite}")),
            Page::Article => {
                let (path, title) = self.chance.pick(&[
                    ("/journal/first-harvest", "Who picks the first harvest"),
                    ("/journal/water", "Eighty degrees, and why"),
                    ("/journal/clay", "A pot for a lifetime"),
                    ("/journal/roast", "How dark is too dark"),
                ]);
                (path.to_owned(), title.to_owned())
            }
            Page::Help => ("/help/delivery".to_owned(), "Where is my parcel?".to_owned()),
            Page::Wholesale => ("/wholesale".to_owned(), "For restaurants and hotels".to_owned()),
        };
        let mut data = json!({
            "url": format!("{SHOP}{path}"),
            "path": path,
            "title": title,
            "session_id": self.own("s", session),
            "duration_s": self.seconds(45),
        });
        maybe(&mut data, "category", (page == Page::Category).then_some(favourite));
        if let Some((source, medium)) = came_by(from) {
            data["utm_source"] = source.into();
            data["utm_medium"] = medium.into();
        }
        maybe(&mut data, "referrer", (from == Some(Place::Search)).then_some("https://search.example.org/"));
        data
    }

    pub(super) fn screen_viewed(&mut self, screen: u8, session: u16) -> Value {
        let os = if self.me.number.is_multiple_of(3) { "iOS 19" } else { "Android 16" };
        // A new version comes out each quarter.
        let version = self.plan.at / (91 * 24 * HOUR);
        json!({
            "name": SCREENS[usize::from(screen) % SCREENS.len()],
            "app": "tea_club",
            "app_version": format!("5.{version}.0"),
            "os": os,
            "session_id": self.own("s", session),
            "duration_s": self.seconds(20),
        })
    }

    pub(super) fn product_viewed(&mut self, product: u8) -> Value {
        let product = &PRODUCTS[usize::from(product)];
        // The mini program still speaks the first version of the schema.
        let sku = if self.plan.place == Place::Wechat { "product_id" } else { "sku" };
        json!({
            sku: product.sku,
            "name": product.name,
            "category": product.category.name(),
            "price": self.me.country.decimal(self.me.country.price(product.fen)),
            "currency": self.me.country.currency,
            "url": format!("{SHOP}/{}/{}", product.category.name(), product.sku),
        })
    }

    pub(super) fn product_searched(&mut self, product: u8) -> Value {
        let product = &PRODUCTS[usize::from(product)];
        json!({
            "query": product.query,
            "category": product.category.name(),
            "results": 1 + self.chance.below(12),
        })
    }

    pub(super) fn form_submitted(&mut self, form: Form) -> Value {
        let (id, name, path) = match form {
            Form::Newsletter => ("newsletter", "News, twice a month at most", "/newsletter"),
            Form::Registration => ("registration", "Open an account", "/account/new"),
            Form::Wholesale => ("wholesale", "Ask for an offer", "/wholesale"),
        };
        let mut data = json!({"form_id": id, "name": name, "url": format!("{SHOP}{path}")});
        if form == Form::Wholesale {
            data["fields"] = json!({"company": self.me.company(), "seats": 20 + 5 * self.chance.below(30)});
        }
        data
    }

    pub(super) fn content_downloaded(&mut self, content: u8) -> Value {
        let (id, title, kind) = [
            ("wp-tea-menu", "A tea menu that pays", "white_paper"),
            ("catalogue-wholesale", "Wholesale catalogue", "catalogue"),
            ("manual-brewing", "Brewing for forty tables", "manual"),
        ][usize::from(content) % 3];
        json!({
            "content_id": id,
            "title": title,
            "content_type": kind,
            "language": self.me.country.language,
            "url": format!("{SHOP}/downloads/{id}.pdf"),
        })
    }
}

/// `utm_source` and `utm_medium`.
fn came_by(from: Option<Place>) -> Option<(&'static str, &'static str)> {
    match from? {
        Place::Ads => Some(("ads", "cpc")),
        Place::Search => Some(("search", "organic")),
        Place::Wechat => Some(("wechat", "social")),
        Place::Email => Some(("newsletter", "email")),
        Place::Loyalty => Some(("friends", "referral")),
        _ => None,
    }
}
