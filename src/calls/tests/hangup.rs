//! Three parties hang up, in every order.

use std::fmt::Write as _;

use expect_test::expect;

use crate::calls::tests::script::Play;

#[test]
fn three_parties_hang_up_in_every_order() {
    let mut transcript = String::new();
    for first in ["15000", "15001", "15002"] {
        for second in ["15000", "15001", "15002"].into_iter().filter(|number| *number != first) {
            let mut play = Play::default();
            for line in ["15000 dials 15001", "15001: answered", "15000 adds 15002", "15002: answered"] {
                play.line(line);
            }
            play.transcript.clear();
            for line in [format!("{first} hangup"), format!("{first}: ended"), format!("{second}: ended")] {
                let _ = writeln!(play.transcript, "> {line}");
                play.line(&line);
            }
            assert!(play.family.as_ref().unwrap().is_over());
            transcript.push_str(&play.transcript);
        }
    }
    expect![[r#"
        > 15000 hangup
        ask 5-0: release 15000
        > 15000: ended
        15000 StatusChange: Released with 15002,15001
        15001 AttachedDataChanged: Established with 15002
        15001 ParticipantsUpdated: Established with 15002
        15002 AttachedDataChanged: Established with 15001
        15002 ParticipantsUpdated: Established with 15001
        > 15001: ended
        ask 7-0: release 15002
        15001 StatusChange: Released with 15002
        15002 StatusChange: Released with 15001
        > 15000 hangup
        ask 5-0: release 15000
        > 15000: ended
        15000 StatusChange: Released with 15002,15001
        15001 AttachedDataChanged: Established with 15002
        15001 ParticipantsUpdated: Established with 15002
        15002 AttachedDataChanged: Established with 15001
        15002 ParticipantsUpdated: Established with 15001
        > 15002: ended
        ask 7-0: release 15001
        15002 StatusChange: Released with 15001
        15001 StatusChange: Released with 15002
        > 15001 hangup
        ask 5-0: release 15001
        > 15001: ended
        15001 StatusChange: Released with 15002,15000
        15000 AttachedDataChanged: Established with 15002
        15000 ParticipantsUpdated: Established with 15002
        15002 AttachedDataChanged: Established with 15000
        15002 ParticipantsUpdated: Established with 15000
        > 15000: ended
        ask 7-0: release 15002
        15000 StatusChange: Released with 15002
        15002 StatusChange: Released with 15000
        > 15001 hangup
        ask 5-0: release 15001
        > 15001: ended
        15001 StatusChange: Released with 15002,15000
        15000 AttachedDataChanged: Established with 15002
        15000 ParticipantsUpdated: Established with 15002
        15002 AttachedDataChanged: Established with 15000
        15002 ParticipantsUpdated: Established with 15000
        > 15002: ended
        ask 7-0: release 15000
        15002 StatusChange: Released with 15000
        15000 StatusChange: Released with 15002
        > 15002 hangup
        ask 5-0: release 15002
        > 15002: ended
        15002 StatusChange: Released with 15001,15000
        15000 AttachedDataChanged: Established with 15001
        15000 ParticipantsUpdated: Established with 15001
        15001 AttachedDataChanged: Established with 15000
        15001 ParticipantsUpdated: Established with 15000
        > 15000: ended
        ask 7-0: release 15001
        15000 StatusChange: Released with 15001
        15001 StatusChange: Released with 15000
        > 15002 hangup
        ask 5-0: release 15002
        > 15002: ended
        15002 StatusChange: Released with 15001,15000
        15000 AttachedDataChanged: Established with 15001
        15000 ParticipantsUpdated: Established with 15001
        15001 AttachedDataChanged: Established with 15000
        15001 ParticipantsUpdated: Established with 15000
        > 15001: ended
        ask 7-0: release 15000
        15001 StatusChange: Released with 15000
        15000 StatusChange: Released with 15001
    "#]]
    .assert_eq(&transcript);
}
