//! Logins that ended before their time.

use crate::directory::EndedLogins;
use crate::ids::LoginId;

#[test]
fn what_ended_is_known_to_everybody_until_it_is_forgotten() {
    let (ended, elsewhere) = (EndedLogins::default(), EndedLogins::default());
    let (one, other) = (LoginId::draw(), LoginId::draw());
    let same = ended.clone();
    assert!(!same.contains(&one));
    ended.insert(one.clone());
    ended.insert(one.clone());
    ended.insert(other.clone());
    assert!(same.contains(&one) && same.contains(&other) && !elsewhere.contains(&one));
    same.forget(&one);
    same.forget(&one);
    assert!(!ended.contains(&one) && ended.contains(&other));
}
