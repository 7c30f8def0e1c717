//! How content somebody is: with the company, the channel and what just happened, as a score of a survey.

use super::super::calendar::{DAY, HOUR, Hours, MINUTE, YEAR};
use super::super::plan::{Fact, Place, Survey, Trouble, Who};
use super::Life;

/// Surveys that are answered, per mille; those who had trouble have more to say.
const ANSWERED: u32 = 310;
const ANSWERED_IN_TROUBLE: u32 = 460;
/// Answers that are given once more, after a second thought, per mille; the second replaces the first.
pub const SECOND_ANSWERS: u32 = 60;
/// In the last months of the year the call centre has enough people: from this millisecond on.
pub const CALL_CENTRE_GREW: i64 = YEAR - 130 * DAY;

impl Life<'_> {
    /// Asks, and perhaps gets an answer in the days that follow.
    pub(super) fn survey(
        &mut self,
        at: i64,
        survey: Survey,
        instance: u16,
        place: Place,
        about: Option<Trouble>,
        agent: u8,
    ) {
        let who = self.reached(place);
        self.add(at, place, who, Fact::SurveySent { survey, instance, agent });
        let share = if about.is_some() { ANSWERED_IN_TROUBLE } else { ANSWERED };
        if self.chance.per_mille(share) {
            let later = at + 5 * MINUTE + self.chance.waiting(14 * HOUR);
            self.answer(later, survey, instance, place, about, agent);
        }
    }

    /// Answers, asked or not.
    pub(super) fn answer(
        &mut self,
        at: i64,
        survey: Survey,
        instance: u16,
        place: Place,
        about: Option<Trouble>,
        agent: u8,
    ) {
        let mood = self.mood(at, place, about);
        let who = self.reached(place);
        let score = score(survey, mood);
        self.add(at, place, who, Fact::SurveyAnswered { survey, instance, score, agent, about });
        if self.chance.per_mille(SECOND_ANSWERS) {
            let mood = self.mood(at, place, None);
            let score = scored_anew(survey, mood, score);
            let later = at + 20 * MINUTE + self.chance.waiting(DAY);
            self.add(later, place, who, Fact::SurveyAnswered { survey, instance, score, agent, about: None });
        }
    }

    fn reached(&self, place: Place) -> Who {
        match place {
            Place::App => Who::DEVICE | if self.account { Who::USER } else { Who::NOBODY },
            Place::Wechat => Who::OPENID | if self.in_wechat { Who::UNIONID } else { Who::NOBODY },
            Place::Store(_) => Who::CARD,
            Place::Phone => Who::PHONE | if self.account { Who::USER } else { Who::NOBODY },
            _ => Who::EMAIL | if self.account { Who::USER } else { Who::NOBODY },
        }
    }

    /// Per mille; 0 is furious.
    fn mood(&mut self, at: i64, place: Place, about: Option<Trouble>) -> i32 {
        let channel = match place {
            Place::Store(_) => 110,
            Place::Wechat => 60,
            Place::App => 40,
            Place::Chat => -30,
            Place::Phone if at < CALL_CENTRE_GREW => -150,
            Place::Phone => 20,
            _ => 0,
        };
        let happened = match about {
            Some(Trouble::Damaged | Trouble::Unsolved) => -380,
            Some(Trouble::Late) => -330,
            Some(Trouble::Waited) => -240,
            Some(Trouble::Billing) => -120,
            None => 0,
        };
        let season = if self.year.is_peak(at) { -40 } else { 0 };
        (self.me.temper + channel + happened + season + self.chance.noise(360)).clamp(0, 999)
    }

    /// Of a review.
    pub(super) fn stars(&mut self, at: i64, about: Option<Trouble>) -> u8 {
        let mood = self.mood(at, Place::Web, about);
        score(Survey::AfterDelivery, mood)
    }

    /// Each quarter, those who buy again are asked whether they would recommend the company.
    pub(super) fn relationship(&mut self, quarter: u16, at: i64) {
        let place = if self.me.has_app && self.account { Place::App } else { Place::Email };
        let at = self.moment(at, Hours::Leisure);
        self.survey(at, Survey::Relationship, quarter, place, None, 0);
    }
}

fn score(survey: Survey, mood: i32) -> u8 {
    let score = match survey {
        Survey::Relationship | Survey::Onboarding => (mood * 118 / 10_000).min(10),
        Survey::AfterDelivery | Survey::StoreVisit | Survey::AfterCall | Survey::AfterChat => 1 + mood * 54 / 10_000,
        Survey::AfterTicket | Survey::AfterReturn => 1 + mood * 74 / 10_000,
    };
    let highest = match survey {
        Survey::Relationship | Survey::Onboarding => 10,
        Survey::AfterDelivery | Survey::StoreVisit | Survey::AfterCall | Survey::AfterChat => 5,
        Survey::AfterTicket | Survey::AfterReturn => 7,
    };
    score.min(highest) as u8
}

/// Another score than before: a second thought that changes nothing is not written.
fn scored_anew(survey: Survey, mood: i32, before: u8) -> u8 {
    match score(survey, mood) {
        same if same == before && same > 1 => same - 1,
        same if same == before => same + 1,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_use_their_whole_scale() {
        for (survey, lowest, highest) in
            [(Survey::Relationship, 0, 10), (Survey::AfterDelivery, 1, 5), (Survey::AfterTicket, 1, 7)]
        {
            assert_eq!((score(survey, 0), score(survey, 999)), (lowest, highest));
            for mood in 0..1_000 {
                assert!((lowest..=highest).contains(&score(survey, mood)));
                assert!((lowest..=highest).contains(&scored_anew(survey, mood, score(survey, 500))));
                assert_ne!(scored_anew(survey, mood, 3), 3);
            }
        }
    }
}
