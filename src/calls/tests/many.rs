//! Many on one call.

use expect_test::expect;

use crate::calls::tests::script::check;

#[test]
fn twenty_talk_and_leave_one_by_one() {
    check(
        "15000 dials 15001
         15001: answered
         15000 adds 7002
         7002: answered
         15000 adds 7003
         7003: answered
         15000 adds 7004
         7004: answered
         15000 adds 7005
         7005: answered
         15000 adds 7006
         7006: answered
         15000 adds 7007
         7007: answered
         15000 adds 7008
         7008: answered
         15000 adds 7009
         7009: answered
         15000 adds 7010
         7010: answered
         15000 adds 7011
         7011: answered
         15000 adds 7012
         7012: answered
         15000 adds 7013
         7013: answered
         15000 adds 7014
         7014: answered
         15000 adds 7015
         7015: answered
         15000 adds 7016
         7016: answered
         15000 adds 7017
         7017: answered
         15000 adds 7018
         7018: answered
         15000 adds 7019
         7019: answered
         show 15001
         15000: ended
         show 15001
         7002: ended
         7003: ended
         7004: ended
         7005: ended
         7006: ended
         7007: ended
         7008: ended
         7009: ended
         7010: ended
         7011: ended
         7012: ended
         7013: ended
         7014: ended
         7015: ended
         7016: ended
         7017: ended
         7018: ended
         show 15001
         7019: ended",
        expect![[r#"
            > 15000 dials 15001
            ask 1-0: connect 15000
            ask 1-1: dial 15001 from 15000
            15000 StatusChange: Dialing with 15001
            > 15001: answered
            15001 StatusChange: Established with 15000
            15000 StatusChange: Established with 15001
            > 15000 adds 7002
            ask 3-0: dial 7002 from 15000
            > 7002: answered
            15000 AttachedDataChanged: Established with 7002,15001 FirstConferencePartyDN="15000"
            15000 ParticipantsUpdated: Established with 7002,15001 FirstConferencePartyDN="15000"
            15001 AttachedDataChanged: Established with 7002,15000 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7003
            ask 5-0: dial 7003 from 15000
            > 7003: answered
            15000 ParticipantsUpdated: Established with 7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7004
            ask 7-0: dial 7004 from 15000
            > 7004: answered
            15000 ParticipantsUpdated: Established with 7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7005
            ask 9-0: dial 7005 from 15000
            > 7005: answered
            15000 ParticipantsUpdated: Established with 7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7006
            ask 11-0: dial 7006 from 15000
            > 7006: answered
            15000 ParticipantsUpdated: Established with 7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7007
            ask 13-0: dial 7007 from 15000
            > 7007: answered
            15000 ParticipantsUpdated: Established with 7007,7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7007,7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7008
            ask 15-0: dial 7008 from 15000
            > 7008: answered
            15000 ParticipantsUpdated: Established with 7008,7007,7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7008,7007,7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7009
            ask 17-0: dial 7009 from 15000
            > 7009: answered
            15000 ParticipantsUpdated: Established with 7009,7008,7007,7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7009,7008,7007,7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7010
            ask 19-0: dial 7010 from 15000
            > 7010: answered
            15000 ParticipantsUpdated: Established with 7010,7009,7008,7007,7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7010,7009,7008,7007,7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7011
            ask 21-0: dial 7011 from 15000
            > 7011: answered
            15000 ParticipantsUpdated: Established with 7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7012
            ask 23-0: dial 7012 from 15000
            > 7012: answered
            15000 ParticipantsUpdated: Established with 7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7013
            ask 25-0: dial 7013 from 15000
            > 7013: answered
            15000 ParticipantsUpdated: Established with 7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7014
            ask 27-0: dial 7014 from 15000
            > 7014: answered
            15000 ParticipantsUpdated: Established with 7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7015
            ask 29-0: dial 7015 from 15000
            > 7015: answered
            15000 ParticipantsUpdated: Established with 7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7016
            ask 31-0: dial 7016 from 15000
            > 7016: answered
            15000 ParticipantsUpdated: Established with 7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7017
            ask 33-0: dial 7017 from 15000
            > 7017: answered
            15000 ParticipantsUpdated: Established with 7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7018
            ask 35-0: dial 7018 from 15000
            > 7018: answered
            15000 ParticipantsUpdated: Established with 7018,7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7018,7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > 15000 adds 7019
            ask 37-0: dial 7019 from 15000
            > 7019: answered
            15000 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            > show 15001
            Established with 7019,7018,7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15000 FirstConferencePartyDN="15000"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
            > 15000: ended
            15000 StatusChange: Released with 7019,7018,7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002,15001 FirstConferencePartyDN="15000"
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002 FirstConferencePartyDN="15000"
            > show 15001
            Established with 7019,7018,7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003,7002 FirstConferencePartyDN="15000"
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData MuteCall Hangup
            > 7002: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004,7003 FirstConferencePartyDN="15000"
            > 7003: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005,7004 FirstConferencePartyDN="15000"
            > 7004: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006,7005 FirstConferencePartyDN="15000"
            > 7005: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007,7006 FirstConferencePartyDN="15000"
            > 7006: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014,7013,7012,7011,7010,7009,7008,7007 FirstConferencePartyDN="15000"
            > 7007: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014,7013,7012,7011,7010,7009,7008 FirstConferencePartyDN="15000"
            > 7008: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014,7013,7012,7011,7010,7009 FirstConferencePartyDN="15000"
            > 7009: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014,7013,7012,7011,7010 FirstConferencePartyDN="15000"
            > 7010: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014,7013,7012,7011 FirstConferencePartyDN="15000"
            > 7011: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014,7013,7012 FirstConferencePartyDN="15000"
            > 7012: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014,7013 FirstConferencePartyDN="15000"
            > 7013: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015,7014 FirstConferencePartyDN="15000"
            > 7014: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016,7015 FirstConferencePartyDN="15000"
            > 7015: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017,7016 FirstConferencePartyDN="15000"
            > 7016: ended
            15001 ParticipantsUpdated: Established with 7019,7018,7017 FirstConferencePartyDN="15000"
            > 7017: ended
            15001 ParticipantsUpdated: Established with 7019,7018 FirstConferencePartyDN="15000"
            > 7018: ended
            15001 AttachedDataChanged: Established with 7019
            15001 ParticipantsUpdated: Established with 7019
            > show 15001
            Established with 7019
            offered: UpdateUserData SendDtmf InitiateConference Hold SingleStepTransfer InitiateTransfer AttachUserData DeleteUserDataPair SingleStepConference DeleteUserData Hangup
            > 7019: ended
            ask 57-0: release 15001
            15001 StatusChange: Released with 7019
        "#]],
    );
}
