//! What is sent to a back end, and what may come back.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::bayeux::is_sound;

use super::face::{Answer, Failure, Question};

#[derive(Serialize)]
struct QuestionWire<'a> {
    channel: &'a str,
    data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    agent: Option<&'a str>,
    session: String,
}

#[derive(Deserialize)]
struct AnswerWire<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A question as a body; `None` if it holds no JSON, which nothing that came from a client does.
pub(super) fn body(question: &Question) -> Option<Bytes> {
    let wire = QuestionWire {
        channel: question.channel.as_str(),
        data: serde_json::from_slice(&question.data).ok()?,
        id: question.id.as_deref().map(serde_json::from_slice).transpose().ok()?,
        agent: question.agent.as_ref().map(|agent| agent.as_str()),
        session: question.session.to_string(),
    };
    serde_json::to_vec(&wire).ok().map(Bytes::from)
}

/// What a body of 200 says: `{"data": …}`, `{"error": …}`, or neither. An error goes before data.
pub(super) fn answer(body: &[u8], depth: usize) -> Answer {
    let Ok(AnswerWire { data, error }) = serde_json::from_slice(body) else {
        return Answer::Failed(Failure::Invalid);
    };
    let sound = |raw: &RawValue| is_sound(raw.get(), depth).then(|| Bytes::copy_from_slice(raw.get().as_bytes()));
    let told = match (data, error) {
        (_, Some(error)) => sound(error).map(Answer::Refused),
        (Some(data), None) => sound(data).map(Answer::Data),
        (None, None) => Some(Answer::Nothing),
    };
    told.unwrap_or(Answer::Failed(Failure::Invalid))
}
