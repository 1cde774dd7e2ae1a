//! Messages to service channels: who answers them, and how the answer comes back.

use bytes::Bytes;

use crate::bayeux::{Channel, ConnectKey, Error, MessageId, Reply};
use crate::broker::sessions::{Awaited, Output, Sessions};
use crate::ids::{AgentId, SessionId};
use crate::metrics::{Metrics, Source, UpstreamOutcome};
use crate::records::Direct;
use crate::upstream::{Answer, Endpoint, Failure, Question};

/// A question for a back end, and to whom its answer goes.
#[derive(Debug)]
pub(super) struct Ask {
    /// Whom to ask.
    pub endpoint: Endpoint,
    /// What.
    pub question: Question,
    /// To whom the answer goes.
    pub asked: Asked,
}

/// To whom an answer goes.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    session: SessionId,
    channel: Channel,
    id: Option<Bytes>,
}

impl<T> Sessions<T> {
    /// Takes a message to a service channel: its reply says that it was taken, and the answer is owed to its session.
    pub(super) fn serve(
        &mut self,
        key: ConnectKey,
        (session, agent): (SessionId, Option<AgentId>),
        id: Option<MessageId>,
        channel: Channel,
        data: Bytes,
    ) {
        let token = id.as_ref().map(|MessageId(id)| id.clone());
        if channel.as_str() == ECHO {
            let direct = Direct { session, channel: channel.clone(), data, id: token, error: None };
            let slot = self.reserve(key);
            let awaited = Awaited::Publication { key, slot, reply: Reply::Publish { id, channel, error: None } };
            return self.append_direct(&direct, awaited);
        }
        let Some(endpoint) = self.settings.rules.upstream(&channel).cloned() else {
            let error = Some(Error::service_unknown(&channel));
            return self.reply(key, Reply::Publish { id, channel, error });
        };
        if !self.settings.rules.may_publish(agent.as_ref(), &channel) {
            let error = Some(Error::publish_denied("denied_by_rule"));
            return self.reply(key, Reply::Publish { id, channel, error });
        }
        let asked = Asked { session, channel: channel.clone(), id: token.clone() };
        let question = Question { channel: channel.clone(), data, id: token, agent, session };
        self.outputs.push_back(Output::Ask(Box::new(Ask { endpoint, question, asked })));
        self.reply(key, Reply::Publish { id, channel, error: None });
    }

    /// A back end answered, or did not.
    pub(super) fn handle_answered(&mut self, asked: Asked, answer: Answer) {
        if !self.seats.contains_key(&asked.session) {
            return;
        }
        let Asked { session, channel, id } = asked;
        let (data, error) = match answer {
            Answer::Data(data) => (data, None),
            Answer::Failed(failure) => (Bytes::from_static(b"null"), Some(error(failure, &channel))),
            Answer::Nothing => return,
            Answer::Refused(data) => (data, Some(Error::upstream_refused(&channel))),
        };
        self.metrics.publications_total.of(Source::Service).inc();
        self.append_direct(&Direct { session, channel, data, id, error }, Awaited::Nobody);
    }
}

/// Counts what came of a question.
pub(super) fn observe(metrics: &Metrics, answer: &Answer, seconds: f64) {
    let outcome = match answer {
        Answer::Data(_) | Answer::Nothing => UpstreamOutcome::Answered,
        Answer::Failed(Failure::Broken) => UpstreamOutcome::Broken,
        Answer::Failed(Failure::Busy) => UpstreamOutcome::Busy,
        Answer::Failed(Failure::Invalid) => UpstreamOutcome::Invalid,
        Answer::Failed(Failure::Late) => UpstreamOutcome::Late,
        Answer::Failed(Failure::Unreachable) => UpstreamOutcome::Unreachable,
        Answer::Refused(_) => UpstreamOutcome::Refused,
    };
    metrics.upstream_requests_total.of(outcome).inc();
    metrics.upstream_seconds.observe(seconds);
}

fn error(failure: Failure, channel: &Channel) -> Error {
    match failure {
        Failure::Broken => Error::upstream_broken(channel),
        Failure::Busy => Error::upstream_busy(channel),
        Failure::Invalid => Error::upstream_invalid(channel),
        Failure::Late => Error::upstream_timeout(channel),
        Failure::Unreachable => Error::upstream_unreachable(channel),
    }
}

/// Answers the sender with what it sent.
const ECHO: &str = "/service/echo";
