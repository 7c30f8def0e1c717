//! E-mails as the mailer reports them.

use serde_json::{Value, json};

use super::super::plan::Mail;
use super::Teller;

/// Campaign, template, subject line.
fn letter(mail: Mail) -> (String, &'static str, String) {
    match mail {
        Mail::Welcome => ("welcome".to_owned(), "welcome", "Good to have you here".to_owned()),
        Mail::Newsletter(number) => {
            let titles = ["New on the shelf", "From the gardens", "What to brew now", "A box for a friend"];
            let title = titles[usize::from(number) % titles.len()].to_owned();
            (format!("newsletter-{number:02}"), "newsletter", title)
        }
        Mail::Order => ("orders".to_owned(), "order_confirmation", "We have your order".to_owned()),
        Mail::AbandonedCart => ("carts".to_owned(), "abandoned_cart", "Still in your basket".to_owned()),
        Mail::WinBack => ("win-back".to_owned(), "win_back", "It has been a while".to_owned()),
    }
}

impl Teller<'_> {
    pub(super) fn email_sent(&mut self, message: u16, mail: Mail) -> Value {
        let (campaign, template, title) = letter(mail);
        json!({
            "message_id": self.own("m", message),
            "title": title,
            "template": template,
            "campaign": campaign,
        })
    }

    pub(super) fn email_opened(&mut self, message: u16, mail: Mail, automatic: bool) -> Value {
        json!({
            "message_id": self.own("m", message),
            "campaign": letter(mail).0,
            "automatic": automatic,
        })
    }

    pub(super) fn email_clicked(&mut self, message: u16, mail: Mail) -> Value {
        let campaign = letter(mail).0;
        json!({
            "message_id": self.own("m", message),
            "url": format!("https://shop.example.com/?utm_source=newsletter&utm_campaign={campaign}"),
            "link": self.chance.pick(&["header", "first_product", "footer"]),
            "campaign": campaign,
            "utm_source": "newsletter",
            "utm_medium": "email",
        })
    }
}
