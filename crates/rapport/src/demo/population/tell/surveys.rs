//! Surveys: what is asked, and what is said.

use serde_json::{Value, json};

use super::super::calendar::DAY;
use super::super::plan::{Survey, Trouble};
use super::{Teller, maybe};

/// The questionnaire, its metric, what it is about.
fn asked(survey: Survey) -> (&'static str, &'static str, &'static str) {
    match survey {
        Survey::AfterDelivery => ("after_delivery", "csat", "delivery"),
        Survey::StoreVisit => ("store_visit", "csat", "store_visit"),
        Survey::AfterCall => ("after_call", "csat", "call"),
        Survey::AfterChat => ("after_chat", "csat", "chat"),
        Survey::AfterTicket => ("after_ticket", "ces", "ticket"),
        Survey::AfterReturn => ("after_return", "ces", "return"),
        Survey::Relationship => ("relationship", "nps", "relationship"),
        Survey::Onboarding => ("onboarding", "nps", "onboarding"),
    }
}

/// The best score of a metric.
fn highest(metric: &str) -> u8 {
    match metric {
        "nps" => 10,
        "csat" => 5,
        _ => 7,
    }
}

impl Teller<'_> {
    fn instance(&self, survey: Survey, instance: u16) -> String {
        match survey {
            Survey::AfterDelivery | Survey::StoreVisit | Survey::AfterReturn => self.own("o", instance),
            Survey::AfterCall => self.own("call", instance),
            Survey::AfterChat => self.own("chat", instance),
            Survey::AfterTicket => self.own("t", instance),
            Survey::Relationship => format!("quarter-{}", instance + 1),
            Survey::Onboarding => self.own("C", instance),
        }
    }

    /// Who served, and in which team; nobody where the question is about the company.
    fn served(&self, survey: Survey, number: u8) -> (Option<String>, Option<&'static str>) {
        match survey {
            Survey::AfterDelivery | Survey::AfterReturn => (None, Some("parcels")),
            Survey::StoreVisit => (Some(format!("s-{:02}", 31 + self.me.store() * 4 + number)), Some("store")),
            Survey::AfterCall | Survey::AfterChat | Survey::AfterTicket => {
                (Some(super::care::agent(number)), Some("service"))
            }
            Survey::Onboarding => (Some(super::sales::salesperson(number)), Some(super::sales::TEAM)),
            Survey::Relationship => (None, None),
        }
    }

    fn survey(&self, survey: Survey, instance: u16, number: u8) -> Value {
        let (name, metric, touchpoint) = asked(survey);
        let (agent, team) = self.served(survey, number);
        let mut data = json!({
            "survey": name,
            "instance": self.instance(survey, instance),
            "metric": metric,
            "touchpoint": touchpoint,
        });
        maybe(&mut data, "agent", agent);
        maybe(&mut data, "team", team);
        data
    }

    pub(super) fn survey_sent(&mut self, survey: Survey, instance: u16, number: u8) -> Value {
        let mut data = self.survey(survey, instance, number);
        data["expires_at"] = self.later(14 * DAY).into();
        data
    }

    pub(super) fn survey_answered(
        &mut self,
        survey: Survey,
        instance: u16,
        score: u8,
        number: u8,
        about: Option<Trouble>,
    ) -> Value {
        let mut data = self.survey(survey, instance, number);
        data["score"] = score.into();
        let best = highest(asked(survey).1);
        let comment = match about {
            Some(_) if score + 1 >= best => None,
            Some(Trouble::Late) => Some("It came late, and nobody told me."),
            Some(Trouble::Damaged) => Some("It arrived broken."),
            Some(Trouble::Waited) => Some("I had to wait far too long."),
            Some(Trouble::Unsolved) => Some("The answer did not help."),
            Some(Trouble::Billing) => Some("Why is an invoice so hard?"),
            None if score == best => Some(self.chance.pick(&["Thank you!", "Always a pleasure.", "Keep it up."])),
            None => None,
        };
        maybe(&mut data, "comment", comment.filter(|_| self.chance.per_mille(450)));
        data
    }
}
