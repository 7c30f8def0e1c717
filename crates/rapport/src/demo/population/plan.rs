//! What happens, in few bytes: of an event that has not arrived yet, its plan is kept and no JSON.

use std::ops::BitOr;

use super::products::Basket;

/// One event of one customer.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub at: i64,
    pub arrives: i64,
    pub customer: u32,
    /// Tells the events of a customer apart.
    pub index: u16,
    pub who: Who,
    pub place: Place,
    pub fact: Fact,
}

/// Which of the customer's names an event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Who(u16);

impl Who {
    pub const NOBODY: Self = Self(0);
    pub const USER: Self = Self(1);
    pub const EMAIL: Self = Self(1 << 1);
    pub const PHONE: Self = Self(1 << 2);
    pub const CARD: Self = Self(1 << 3);
    pub const OPENID: Self = Self(1 << 4);
    pub const UNIONID: Self = Self(1 << 5);
    pub const DEVICE: Self = Self(1 << 6);
    pub const HOUSEHOLD_TABLET: Self = Self(1 << 7);
    pub const STORE_TABLET: Self = Self(1 << 8);
    pub const SWITCHBOARD: Self = Self(1 << 9);
    pub const PLACEHOLDER: Self = Self(1 << 10);
    const BROWSER: u16 = 1 << 11;
    const BROWSER_NUMBER: u32 = 12;

    /// One of the customer's browsers; below 4.
    pub fn browser(number: u8) -> Self {
        Self(Self::BROWSER | u16::from(number & 3) << Self::BROWSER_NUMBER)
    }

    pub fn says(self, name: Self) -> bool {
        self.0 & name.0 == name.0
    }

    pub fn of_browser(self) -> Option<u8> {
        (self.0 & Self::BROWSER != 0).then_some((self.0 >> Self::BROWSER_NUMBER & 3) as u8)
    }
}

impl BitOr for Who {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Where it happens: the channel, and the system that reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Ads,
    Search,
    Web,
    App,
    Wechat,
    Store(u8),
    Phone,
    Chat,
    Support,
    Email,
    Event,
    Sales,
    Loyalty,
    Social,
}

impl Place {
    pub fn channel(self) -> &'static str {
        match self {
            Self::Ads => "ads",
            Self::Search => "search",
            Self::Web => "web",
            Self::App => "app",
            Self::Wechat => "wechat",
            Self::Store(_) => "store",
            Self::Phone => "phone",
            Self::Chat => "chat",
            Self::Support => "support",
            Self::Email => "email",
            Self::Event => "event",
            Self::Sales => "sales",
            Self::Loyalty => "loyalty",
            Self::Social => "social",
        }
    }

    /// Of the event's `source`, and of its id.
    pub fn source(self) -> (String, &'static str) {
        let (source, id) = match self {
            Self::Ads => ("ads/clicks", "ad"),
            Self::Search | Self::Web => ("shop/web", "web"),
            Self::App => ("shop/app", "app"),
            Self::Wechat => ("shop/wechat", "wx"),
            Self::Store(store) => return (format!("store/{}", store + 1), "pos"),
            Self::Phone => ("callcentre", "tel"),
            Self::Chat => ("helpdesk/chat", "chat"),
            Self::Support => ("helpdesk/tickets", "help"),
            Self::Email => ("mailer", "mail"),
            Self::Event => ("events/desk", "ev"),
            Self::Sales => ("crm", "crm"),
            Self::Loyalty => ("club", "club"),
            Self::Social => ("social/listening", "soc"),
        };
        (source.to_owned(), id)
    }
}

/// What it is about that somebody asks for help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    Late,
    Damaged,
    Product,
    Invoice,
}

/// What went wrong in the customer's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    Late,
    Damaged,
    /// Nobody answered for long.
    Waited,
    /// The answer did not hold.
    Unsolved,
    Billing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mail {
    Welcome,
    /// By its number in the year.
    Newsletter(u8),
    Order,
    AbandonedCart,
    WinBack,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Home,
    Category,
    Article,
    Help,
    Wholesale,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Newsletter,
    Registration,
    Wholesale,
}

/// What becomes known about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traits {
    Registration,
    Card,
    Profile,
    Gold,
    Company,
    /// A login: who, and no more.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Login,
    CardScan,
    QrCode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survey {
    AfterDelivery,
    StoreVisit,
    AfterCall,
    AfterChat,
    AfterTicket,
    AfterReturn,
    /// Each quarter: would you recommend us?
    Relationship,
    Onboarding,
}

/// Everything that can happen. Numbers count within the customer's life.
#[derive(Debug, Clone, Copy)]
pub enum Fact {
    AdClicked { campaign: u8 },
    PageViewed { page: Page, from: Option<Place>, session: u16 },
    ScreenViewed { screen: u8, session: u16 },
    ProductViewed { product: u8 },
    ProductSearched { product: u8 },
    CartUpdated { cart: u16, basket: Basket },
    CheckoutStarted { cart: u16, basket: Basket },
    OrderPlaced { order: u16, basket: Basket },
    OrderRefunded { order: u16, basket: Basket, reason: Option<Trouble> },
    FormSubmitted { form: Form },
    ContentDownloaded { content: u8 },
    Identified { traits: Traits },
    Linked { link: Link },
    ConsentChanged { analytics: bool, granted: bool },
    EmailSent { message: u16, mail: Mail },
    EmailOpened { message: u16, mail: Mail, automatic: bool },
    EmailClicked { message: u16, mail: Mail },
    EventAttended { event: u8, minutes: u8 },
    VisitLogged { visit: u16, minutes: u8 },
    CallCompleted { call: u16, topic: Option<Topic>, inbound: bool, wait_s: u16, agent: u8 },
    ChatStarted { chat: u16, topic: Topic },
    ChatEnded { chat: u16, resolved: bool, wait_s: u16, agent: u8 },
    TicketOpened { ticket: u16, topic: Topic, order: u16 },
    TicketReplied { ticket: u16, by_customer: bool, after_s: u32, agent: u8 },
    TicketResolved { ticket: u16, topic: Topic, after_s: u32, agent: u8 },
    TicketReopened { ticket: u16, agent: u8 },
    SurveySent { survey: Survey, instance: u16, agent: u8 },
    SurveyAnswered { survey: Survey, instance: u16, score: u8, agent: u8, about: Option<Trouble> },
    ReviewPosted { order: u16, product: u8, score: u8 },
    ReferralMade { referral: u8, successful: bool },
    ContentShared { product: u8 },
    SocialMentioned { post: u16, product: u8, mood: u8 },
    LeadCreated { value: u32 },
    LeadAssigned { again: bool, agent: u8 },
    QuoteSent { revision: u8, basket: Basket, agent: u8 },
    ContractSigned { basket: Basket, agent: u8 },
}
