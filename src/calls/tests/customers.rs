//! Calls of customers: whose they are, for whoever is brought into them.

use expect_test::expect;

use crate::calls::tests::script::Play;

#[test]
fn who_is_brought_into_a_customers_call_sees_whose_it_is() {
    let begins = [
        ("a customer's", "7001 enters 6000; 7001: answered; route 15000; 15000: ringing; 15000: answered"),
        ("to a customer", "15000 dials 7001; 7001: answered"),
        ("a colleague's", "15000 dials 15001; 15001: answered"),
    ];
    let ways = [
        ("added", "15000 adds 15002; 15002: ringing; 15002: answered"),
        ("added at once", "15000 adds 15002; 15002: answered"),
        ("transferred", "15000 transfers 15002; 15002: ringing"),
        (
            "transferred in two steps",
            "15000 consults 15002; 15000: held; 15000/2: answered; 15002/2: answered; 15000 complete-transfer; merged",
        ),
        (
            "conferenced",
            "15000 confers 15002; 15000: held; 15000/2: answered; 15002/2: answered; 15000 complete-conference; merged",
        ),
        ("outside", "15000 adds 7002; 7002: answered"),
    ];
    let mut table = String::new();
    for ((begin, first), (way, then)) in begins.iter().flat_map(|begin| ways.iter().map(move |way| (begin, way))) {
        let mut play = Play::default();
        first.split("; ").chain(then.split("; ")).for_each(|line| play.line(line));
        let seen = play.seen(if *way == "outside" { "7002" } else { "15002" });
        let from = seen.ani().map_or("nobody", |number| number.as_str());
        table.push_str(&format!("{begin}, {way}: {:?} from {from}\n", seen.party.kind));
    }
    expect![[r#"
        a customer's, added: Inbound from 7001
        a customer's, added at once: Inbound from 7001
        a customer's, transferred: Inbound from 7001
        a customer's, transferred in two steps: Inbound from 7001
        a customer's, conferenced: Inbound from 7001
        a customer's, outside: Outbound from nobody
        to a customer, added: Outbound from nobody
        to a customer, added at once: Outbound from nobody
        to a customer, transferred: Outbound from nobody
        to a customer, transferred in two steps: Outbound from nobody
        to a customer, conferenced: Outbound from nobody
        to a customer, outside: Outbound from nobody
        a colleague's, added: Internal from nobody
        a colleague's, added at once: Internal from nobody
        a colleague's, transferred: Internal from nobody
        a colleague's, transferred in two steps: Internal from nobody
        a colleague's, conferenced: Internal from nobody
        a colleague's, outside: Outbound from nobody
    "#]]
    .assert_eq(&table);
}

#[test]
fn only_the_leg_of_who_called_from_outside_came_in() {
    let came_in = |script: &str| {
        let mut play = Play::default();
        script.split("; ").for_each(|line| play.line(line));
        let legs = play.family.unwrap().legs().into_iter().filter(|leg| leg.came_in);
        legs.map(|leg| leg.number.as_str().to_owned()).collect::<Vec<_>>()
    };
    let answered = "7001 enters 6000; 7001: answered; route 15000; 15000: ringing; 15000: answered";
    assert_eq!(came_in("7001 enters 6000"), ["7001"]);
    assert_eq!(came_in(answered), ["7001"]);
    assert_eq!(came_in(&format!("{answered}; 15000 adds 7002; 7002: answered")), ["7001"]);
    assert_eq!(came_in(&format!("{answered}; 15000 transfers 15002; 15002: ringing; 15002: answered")), ["7001"]);
    let nobody: [&str; 0] = [];
    assert_eq!(came_in("15000 dials 7001; 7001: answered"), nobody);
    assert_eq!(came_in("15000 dials 15001; 15001: answered; 15000 adds 7002; 7002: answered"), nobody);
}

#[test]
fn who_called_stays_what_it_was_also_when_the_customer_has_left() {
    let mut play = Play::default();
    let lines = "7001 enters 6000; 7001: answered; route 15000; 15000: ringing; 15000: answered; 15000 adds 15001;
        15001: ringing; 15001: answered; 7001: ended; 15000 hold; 15000: held";
    lines.split(';').for_each(|line| play.line(line.trim()));
    for who in ["15000", "15001"] {
        assert_eq!(play.seen(who).ani().map(|number| number.as_str()), Some("7001"), "{who}");
    }
    // What was written before parties kept it goes by who is there.
    let mut family = play.family.take().unwrap();
    family.calls[0].parties.iter_mut().for_each(|party| party.ani = None);
    play.family = Some(family);
    assert_eq!(play.seen("15001").ani().map(|number| number.as_str()), Some("15000"));
}
