//! E-mails: what is sent, opened and followed, and consent to it.

use super::super::calendar::{DAY, HOUR, MINUTE, SECOND, YEAR};
use super::super::customer::Segment;
use super::super::plan::{Fact, Mail, Place, Who};
use super::Life;

/// Newsletters go out every two weeks; most customers get every other one.
const EVERY: i64 = 14 * DAY;
/// Whoever was not heard of for so long is not written to.
const PAUSE: i64 = 45 * DAY;
/// Per mille of the newsletters: opened, opened by the mail program alone, followed once opened, cancelled.
const OPENED: u32 = 330;
const OPENED_BY_MACHINE: u32 = 90;
const FOLLOWED: u32 = 260;
const CANCELLED: u32 = 9;

impl Life<'_> {
    /// From now on the newsletter is wanted.
    pub(super) fn subscribe_from(&mut self, at: i64, who: Who) {
        let place = if who.says(Who::STORE_TABLET) { Place::Store(self.me.store()) } else { Place::Web };
        self.add(at, place, who, Fact::ConsentChanged { analytics: false, granted: true });
        if self.chance.per_mille(350) {
            let granted = self.chance.per_mille(700);
            self.add(at + SECOND, place, who, Fact::ConsentChanged { analytics: true, granted });
        }
        self.subscribed = Some(at);
        self.letter(at + 2 * MINUTE, Mail::Welcome);
    }

    /// One e-mail, and what becomes of it; was it followed?
    pub(super) fn letter(&mut self, at: i64, mail: Mail) -> Option<i64> {
        let message = Self::count(&mut self.messages);
        let user = if self.account && self.chance.per_mille(500) { Who::USER } else { Who::NOBODY };
        self.add(at, Place::Email, Who::EMAIL | user, Fact::EmailSent { message, mail });
        if self.chance.per_mille(OPENED_BY_MACHINE) {
            let automatic = true;
            self.add(at + 30 * SECOND, Place::Email, Who::EMAIL, Fact::EmailOpened { message, mail, automatic });
            return None;
        }
        let (opened, followed) = match mail {
            Mail::Newsletter(_) => (OPENED, FOLLOWED),
            Mail::Order => (420, 60),
            Mail::Welcome | Mail::AbandonedCart => (430, 240),
            Mail::WinBack => (1_000, 1_000),
        };
        if !self.chance.per_mille(opened) {
            return None;
        }
        let patience = if mail == Mail::WinBack { 10 * MINUTE } else { 7 * HOUR };
        let at = at + 20 * SECOND + self.chance.waiting(patience);
        self.add(at, Place::Email, Who::EMAIL, Fact::EmailOpened { message, mail, automatic: false });
        if !self.chance.per_mille(followed) {
            return None;
        }
        let at = at + self.chance.between(5 * SECOND, 90 * SECOND);
        let browser = Who::browser(0);
        self.add(at, Place::Email, Who::EMAIL | browser, Fact::EmailClicked { message, mail });
        Some(at)
    }

    /// The newsletters of the year, where they were wanted, and as long as anything else was heard.
    pub(super) fn newsletters(&mut self) {
        let Some(since) = self.subscribed else { return };
        let mut heard: Vec<i64> = self.plans.iter().map(|plan| plan.at).collect();
        heard.sort_unstable();
        let often = matches!(self.me.segment, Segment::Loyal | Segment::Business);
        for number in 1..=(YEAR / EVERY) {
            let at = number * EVERY - 3 * DAY + HOUR + self.chance.between(0, 50 * MINUTE);
            let last = heard.partition_point(|heard| *heard <= at).checked_sub(1).map(|place| heard[place]);
            let wanted = at > since && last.is_some_and(|last| at - last < PAUSE);
            if !wanted || (!often && number % 2 == 1) {
                continue;
            }
            if let Some(followed) = self.letter(at, Mail::Newsletter(number as u8)) {
                self.visit(followed + 3 * SECOND, Place::Web, Some(Place::Email));
            }
            if self.chance.per_mille(CANCELLED) {
                let withdrawn = Fact::ConsentChanged { analytics: false, granted: false };
                self.add(at + 2 * HOUR, Place::Email, Who::EMAIL, withdrawn);
                break;
            }
        }
    }
}
