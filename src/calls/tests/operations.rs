//! Which operation is allowed in which state, and what desktops are offered.

use expect_test::expect;

use crate::calls::tests::script::{Play, operation};
use crate::calls::{Capability, MuteRule, capabilities};

/// How a party gets into a state.
pub(super) struct Way {
    pub(super) state: &'static str,
    pub(super) number: &'static str,
    pub(super) lines: &'static [&'static str],
}

pub(super) const STATES: [Way; 8] = [
    Way { state: "Dialing", number: "15000", lines: &["15000 dials 15001"] },
    Way { state: "Invited", number: "15001", lines: &["15000 dials 15001"] },
    Way { state: "Ringing", number: "15001", lines: &["15000 dials 15001", "15001: ringing"] },
    Way { state: "Established", number: "15001", lines: &["15000 dials 15001", "15001: answered"] },
    Way { state: "Held", number: "15000", lines: &["15000 dials 15001", "15001: answered", "15000: held"] },
    Way { state: "Released", number: "15000", lines: &["15000 dials 15001", "15001: answered", "15000: ended"] },
    Way {
        state: "Ringing, being added",
        number: "15002",
        lines: &["15000 dials 15001", "15001: answered", "15000 adds 15002", "15002: ringing"],
    },
    Way {
        state: "Established, in a conference",
        number: "15002",
        lines: &["15000 dials 15001", "15001: answered", "15000 adds 15002", "15002: answered"],
    },
];

#[test]
fn each_state_allows_its_operations() {
    let mut table = String::new();
    for way in STATES {
        table.push_str(&format!("{}\n", way.state));
        for name in ["answer", "hangup", "hold", "retrieve", "7000"] {
            let mut play = Play::default();
            way.lines.iter().for_each(|line| play.line(line));
            let before = play.family.clone();
            let outcome = match play.operate(way.number, operation(name)) {
                Ok(accepted) => format!("{accepted:?}, then {:?}", play.operate(way.number, operation(name))),
                Err(refused) => {
                    assert_eq!(play.family, before);
                    refused.to_string()
                }
            };
            table.push_str(&format!("- {}: {outcome}\n", operation(name).name()));
        }
    }
    expect![[r#"
        Dialing
        - Answer: Answer is not allowed while the call is Dialing
        - Hangup: Changed, then Ok(AlreadyAsked)
        - Hold: Hold is not allowed while the call is Dialing
        - Retrieve: Retrieve is not allowed while the call is Dialing
        - SingleStepConference: SingleStepConference is not allowed while the call is Dialing
        Invited
        - Answer: the call is not known
        - Hangup: the call is not known
        - Hold: the call is not known
        - Retrieve: the call is not known
        - SingleStepConference: the call is not known
        Ringing
        - Answer: Changed, then Ok(AlreadyAsked)
        - Hangup: Changed, then Ok(AlreadyAsked)
        - Hold: Hold is not allowed while the call is Ringing
        - Retrieve: Retrieve is not allowed while the call is Ringing
        - SingleStepConference: SingleStepConference is not allowed while the call is Ringing
        Established
        - Answer: Answer is not allowed while the call is Established
        - Hangup: Changed, then Ok(AlreadyAsked)
        - Hold: Changed, then Ok(AlreadyAsked)
        - Retrieve: Retrieve is not allowed while the call is Established
        - SingleStepConference: Changed, then Err(AlreadyPresent(Number("7000")))
        Held
        - Answer: Answer is not allowed while the call is Held
        - Hangup: Changed, then Ok(AlreadyAsked)
        - Hold: Hold is not allowed while the call is Held
        - Retrieve: Changed, then Ok(AlreadyAsked)
        - SingleStepConference: Changed, then Err(AlreadyPresent(Number("7000")))
        Released
        - Answer: the call is not known
        - Hangup: the call is not known
        - Hold: the call is not known
        - Retrieve: the call is not known
        - SingleStepConference: the call is not known
        Ringing, being added
        - Answer: Changed, then Ok(AlreadyAsked)
        - Hangup: Changed, then Ok(AlreadyAsked)
        - Hold: Hold is not allowed while the call is Ringing
        - Retrieve: Retrieve is not allowed while the call is Ringing
        - SingleStepConference: SingleStepConference is not allowed while the call is Ringing
        Established, in a conference
        - Answer: Answer is not allowed while the call is Established
        - Hangup: Changed, then Ok(AlreadyAsked)
        - Hold: Changed, then Ok(AlreadyAsked)
        - Retrieve: Retrieve is not allowed while the call is Established
        - SingleStepConference: Changed, then Err(AlreadyPresent(Number("7000")))
    "#]]
    .assert_eq(&table);
}

#[test]
fn each_state_offers_its_capabilities() {
    let mut table = String::new();
    for way in STATES {
        let mut play = Play::default();
        way.lines.iter().for_each(|line| play.line(line));
        let names = |mute| {
            let offered = capabilities(play.call(), play.party(way.number), mute);
            assert!(offered.is_sorted());
            let names: Vec<&str> = offered.into_iter().map(Capability::name).collect();
            if names.is_empty() { "nothing".to_owned() } else { names.join(" ") }
        };
        table.push_str(&format!("{}:\n- {}\n", way.state, names(MuteRule::Conference)));
        if names(MuteRule::TwoParty) != names(MuteRule::Conference) {
            table.push_str(&format!("- with two-party mute: {}\n", names(MuteRule::TwoParty)));
        }
    }
    expect![[r#"
        Dialing:
        - UpdateUserData SendDtmf AttachUserData DeleteUserDataPair DeleteUserData Hangup
        Invited:
        - nothing
        Ringing:
        - Answer UpdateUserData AttachUserData DeleteUserDataPair DeleteUserData ClearCall
        Established:
        - UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        - with two-party mute: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
        Held:
        - UpdateUserData Retrieve InitiateConference SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
        Released:
        - nothing
        Ringing, being added:
        - Answer UpdateUserData AttachUserData DeleteUserDataPair DeleteUserData ClearCall
        Established, in a conference:
        - UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
    "#]].assert_eq(&table);
}

#[test]
fn who_made_the_conference_is_offered_what_the_reference_shows() {
    let mut play = Play::default();
    STATES[7].lines.iter().for_each(|line| play.line(line));
    let offered = capabilities(play.call(), play.party("15000"), MuteRule::Conference);
    let names: Vec<&str> = offered.into_iter().map(Capability::name).collect();
    assert_eq!(
        names,
        [
            "UpdateUserData",
            "SendDtmf",
            "InitiateConference",
            "Hold",
            "SingleStepTransfer",
            "InitiateTransfer",
            "RemoveParticipantFromConference",
            "AttachUserData",
            "DeleteUserDataPair",
            "SingleStepConference",
            "DeleteUserData",
            "MuteCall",
            "Hangup"
        ]
    );
}
