//! What is true of accounts and passwords.

use std::time::Duration;

use crate::directory::password::hash_cheaply;
use crate::directory::{
    Agent, Directory, DirectoryConfig, Generated, Passwords, Verdict, demo_agents, generated_agents, hash_password,
};
use crate::ids::{AgentId, DeviceId, Number};

#[test]
fn a_demo_agent_is_found_by_name_number_and_device() {
    let directory = directory(demo_agents());
    assert_eq!(directory.agents().count(), 3);
    for name in ["15000", "15001", "15002"] {
        let agent = directory.agent(&AgentId::parse(name).unwrap()).unwrap();
        let home = directory.home(&Number::parse(name).unwrap()).unwrap();
        assert_eq!((&home.agent, &home.device), (&agent.id, &agent.device));
        assert_eq!(directory.agent_at(&home.device).unwrap().id, agent.id);
    }
    assert!(directory.home(&Number::parse("15003").unwrap()).is_none());
    assert!(directory.agent_at(&DeviceId::parse("none").unwrap()).is_none());
}

#[test]
fn a_device_is_the_same_at_every_start() {
    let devices: Vec<_> = demo_agents().into_iter().map(|agent| agent.device.to_string()).collect();
    expect_test::expect![[r#"
        [
            "2e36161a-e8d3-5139-ae7c-e7a70930b767",
            "59ab6ae0-33e7-523d-bcf1-991aa2cf7970",
            "39e93ee5-f977-5635-9ffe-92cf15a33890",
        ]
    "#]]
    .assert_debug_eq(&devices);
}

#[test]
fn what_stands_twice_or_is_no_hash_is_refused() {
    let twice = |change: fn(&mut Agent)| {
        let mut agents = demo_agents();
        let mut more = agents[0].clone();
        change(&mut more);
        agents.push(more);
        Directory::new(DirectoryConfig { agents }).unwrap_err()
    };
    let number = twice(|_| ());
    let device = twice(|agent| agent.number = Number::parse("1").unwrap());
    let name = twice(|agent| {
        agent.number = Number::parse("1").unwrap();
        agent.device = DeviceId::parse("1").unwrap();
    });
    let hash = twice(|agent| agent.password_hash = "15000".to_owned());
    expect_test::expect![[r#"
        agents 15000 and 15000 both have number 15000
        agents 15000 and 15000 both have device 2e36161a-e8d3-5139-ae7c-e7a70930b767
        agent 15000 stands twice
        agent 15000: password_hash: not an argon2 hash in PHC form"#]]
    .assert_eq(&[number, device, name, hash].join("\n"));
}

#[test]
fn generated_agents_count_on_from_the_first_number() {
    let settings = generated("007", 3);
    let agents = generated_agents(&settings).unwrap();
    let names: Vec<_> = agents.iter().map(|agent| (agent.id.as_str(), agent.number.as_str())).collect();
    assert_eq!(names, [("load-007", "007"), ("load-008", "008"), ("load-009", "009")]);
    assert!(generated_agents(&generated("seven", 1)).is_err());
    assert!(generated_agents(&generated("18446744073709551615", 2)).is_err());
    directory(agents);
}

#[test]
fn an_agent_shows_nothing_of_its_password() {
    let agent = &demo_agents()[0];
    assert!(!format!("{agent:?}").contains("argon2"));
}

#[test]
fn a_hash_is_salted_and_costs_what_is_advised() {
    let (one, two) = (hash_password("secret").unwrap(), hash_password("secret").unwrap());
    assert_ne!(one, two);
    assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
}

#[tokio::test]
async fn a_demo_password_is_its_name_and_nothing_else() {
    let passwords = Passwords::new(directory(demo_agents()), REMEMBER);
    for name in ["15000", "15001", "15002"] {
        assert_eq!(passwords.verify(name, name.as_bytes()).await, right(name));
        assert_eq!(passwords.verify(name, b"wrong").await, Verdict::Wrong);
        assert_eq!(passwords.verify(name, name.as_bytes()).await, right(name));
    }
    assert_eq!(passwords.verify("nobody", b"15000").await, Verdict::Wrong);
    assert_eq!(passwords.verify("", b"").await, Verdict::Wrong);
    assert_eq!(passwords.verify("15000", b"15001").await, Verdict::Wrong);
}

#[tokio::test(start_paused = true)]
async fn a_success_is_remembered_for_a_while_and_a_failure_is_not() {
    let passwords = Passwords::new(directory(demo_agents()), REMEMBER);
    passwords.verify("15000", b"15000").await;
    passwords.verify("15001", b"wrong").await;
    // With no one at work, only what is remembered can be right.
    passwords.0.working.close();
    assert_eq!(passwords.verify("15000", b"15000").await, right("15000"));
    assert_eq!(passwords.verify("15000", b"15001").await, Verdict::Busy);
    assert_eq!(passwords.verify("15001", b"15001").await, Verdict::Busy);
    tokio::time::advance(REMEMBER).await;
    assert_eq!(passwords.verify("15000", b"15000").await, Verdict::Busy);
}

#[tokio::test]
async fn more_than_may_wait_are_told_that_it_is_busy() {
    let passwords = Passwords::new(directory(demo_agents()), REMEMBER);
    let everything = passwords.0.working.clone().acquire_many_owned(2).await.unwrap();
    let waiting: Vec<_> = (0..66)
        .map(|_| {
            let passwords = passwords.clone();
            tokio::spawn(async move { passwords.verify("15000", b"15000").await })
        })
        .collect();
    while passwords.0.admitted.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(passwords.verify("15000", b"15000").await, Verdict::Busy);
    drop(everything);
    for one in waiting {
        assert_eq!(one.await.unwrap(), right("15000"));
    }
}

#[test]
fn a_name_that_nobody_has_costs_as_much_as_the_costliest_account() {
    let mut agents = demo_agents();
    agents[1].password_hash = hash_password("dear").unwrap();
    let dear = agents[1].password_hash.clone();
    let passwords = Passwords::new(directory(agents), REMEMBER);
    assert_eq!(&*passwords.0.decoy, dear);
    assert!(hash_cheaply("").is_ok());
}

fn directory(agents: Vec<Agent>) -> Directory {
    Directory::new(DirectoryConfig { agents }).unwrap()
}

fn generated(first: &str, count: u32) -> Generated {
    let first_number = Number::parse(first).unwrap();
    Generated { prefix: "load-".to_owned(), count, first_number, password: "secret".to_owned() }
}

fn right(name: &str) -> Verdict {
    Verdict::Right(AgentId::parse(name).unwrap())
}

const REMEMBER: Duration = Duration::from_secs(300);
