//! The values of labels: small enums, so that the page is bounded.

use super::family::Label;

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $name {
            $($(#[$value_doc])* $value,)+
        }

        impl Label for $name {
            const ALL: &'static [Self] = &[$(Self::$value,)+];

            fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    )+};
}

labels! {
    /// A kind of actor, by what it owns.
    Actor {
        /// Sessions of a share of the agents.
        Agents = "agents",
        /// One call family.
        Call = "call",
        /// The way in for commands.
        Ingress = "ingress",
        /// What back ends did, and are told.
        Office = "office",
        /// The agents' states.
        Roster = "roster",
        /// The link to the switch.
        SwitchLink = "switch_link",
    }

    /// What came of something asked of the switch.
    AskOutcome {
        /// It was handed to the switch.
        Asked = "asked",
        /// The switch reported what was asked.
        Done = "done",
        /// The switch reported that it cannot be.
        Failed = "failed",
        /// The switch said nothing in time.
        TimedOut = "timed_out",
    }

    /// How far a call has come.
    CallState {
        /// Three parties or more.
        Conference = "conference",
        /// Two parties talk, or one of them holds.
        Established = "established",
        /// It is dialled, or it rings.
        Setup = "setup",
    }

    /// What came of a command.
    CommandOutcome {
        /// It was written down.
        Accepted = "accepted",
        /// Too much was waiting.
        Busy = "busy",
        /// The log took no writes.
        Failed = "failed",
        /// The call's state, or the agent's part in it, does not allow it.
        Refused = "refused",
    }

    /// What came of a connect.
    ConnectOutcome {
        /// It was answered with nothing to deliver: at once, or after its hold.
        Answered = "answered",
        /// It carried messages.
        Delivered = "delivered",
        /// Its connection went away first.
        Lost = "lost",
        /// Its session is not known, or not its own.
        Refused = "refused",
        /// A newer connect took its place.
        Superseded = "superseded",
    }

    /// Why a session ended.
    EndReason {
        /// Its client said so.
        Disconnected = "disconnected",
        /// The operator ended it.
        Ended = "ended",
        /// No connect came in time.
        Expired = "expired",
        /// The history that it asked for has gone, or cannot be read.
        HistoryLost = "history_lost",
        /// Its client did nothing but connect for too long.
        Idle = "idle",
        /// Its home fell so far behind the log that it missed some of it.
        Lagged = "lagged",
        /// The login by which it was begun is over.
        LoggedOut = "logged_out",
        /// The process that served it ended, and it had not agreed to acknowledge.
        Lost = "lost",
        /// It was owed more than a session may be owed.
        Overrun = "overrun",
        /// It acknowledged a number that cannot be served from.
        UnknownAck = "unknown_ack",
    }

    /// What came of a handshake.
    HandshakeOutcome {
        /// There is a session.
        Accepted = "accepted",
        /// A limit of sessions was reached, or the server drains.
        Busy = "busy",
        /// Nobody is logged in, or no transport is in common.
        Refused = "refused",
    }

    /// A limit at which something was refused.
    Limit {
        /// Messages in one batch.
        BatchMessages = "batch_messages",
        /// Bytes of a request body.
        Body = "body",
        /// Time for a request body to come.
        BodyTimeout = "body_timeout",
        /// Distinct channels and patterns.
        Channels = "channels",
        /// Commands that wait.
        Commands = "commands",
        /// Connections at once.
        Connections = "connections",
        /// Durable channels of which something is kept.
        DurableChannels = "durable_channels",
        /// Handshakes of one agent in a second.
        HandshakeRate = "handshake_rate",
        /// Handshakes from one address in a second, of those who are nobody in particular.
        HandshakeRatePerAddress = "handshake_rate_per_address",
        /// Levels of nesting.
        JsonDepth = "json_depth",
        /// Publications of one session in a second.
        PublishRate = "publish_rate",
        /// Bytes owed to one session.
        QueueBytes = "queue_bytes",
        /// Messages owed to one session.
        QueueMessages = "queue_messages",
        /// Sessions of the server.
        Sessions = "sessions",
        /// Sessions from one address.
        SessionsPerAddress = "sessions_per_address",
        /// Sessions of one agent.
        SessionsPerAgent = "sessions_per_agent",
        /// Held connects of one browser.
        SessionsPerBrowser = "sessions_per_browser",
        /// Publications while a slow session is owed nearly too much.
        SlowConsumer = "slow_consumer",
        /// Subscriptions of one session.
        Subscriptions = "subscriptions",
        /// Passwords that wait to be verified.
        Verifications = "verifications",
    }

    /// What sort of record was appended.
    LogKind {
        /// A change of an agent's state or device.
        AgentChanged = "agent.changed",
        /// A change of a call.
        CallChanged = "call.changed",
        /// A publication.
        ChannelPublished = "channel.published",
        /// A start of the log.
        LogOpened = "log.opened",
        /// A login that is over.
        LoginEnded = "login.ended",
        /// A message for one session alone.
        OwedDirect = "owed.direct",
        /// A page of history for one session.
        OwedPage = "owed.page",
        /// The end of a session.
        SessionEnded = "session.ended",
        /// A handshake, or a change of subscriptions.
        SessionState = "session.state",
    }

    /// What came of an append.
    LogOutcome {
        /// It is written down.
        Appended = "appended",
        /// The subject had changed meanwhile.
        Conflict = "conflict",
        /// The log takes no writes.
        Full = "full",
        /// Nobody knows.
        Unknown = "unknown",
    }

    /// An operation of an agent.
    OperationName {
        /// Make a call that was offered.
        Accept = "Accept",
        /// Finish what the last call left to do.
        AfterCallWork = "AfterCallWork",
        /// Take the ringing call.
        Answer = "Answer",
        /// Attach data.
        AttachUserData = "AttachUserData",
        /// Do something else.
        AuxWork = "AuxWork",
        /// Have oneself brought into an agent's calls, to take part.
        BargeIn = "BargeIn",
        /// Watch nobody any more.
        CancelSupervisorMonitoring = "CancelSupervisorMonitoring",
        /// End the call for everybody.
        ClearCall = "ClearCall",
        /// Have oneself brought into an agent's calls, to whisper.
        Coach = "Coach",
        /// Let all talk together.
        CompleteConference = "CompleteConference",
        /// Let the others talk.
        CompleteTransfer = "CompleteTransfer",
        /// Be not ready, in a state of the operator's own.
        CustomState = "custom state",
        /// Do not make a call that was offered.
        Decline = "Decline",
        /// Take all data off.
        DeleteUserData = "DeleteUserData",
        /// Take one key off the data.
        DeleteUserDataPair = "DeleteUserDataPair",
        /// Make a call.
        Dial = "Dial",
        /// Let the device take calls again.
        DoNotDisturbOff = "DoNotDisturbOff",
        /// Let the device take no calls.
        DoNotDisturbOn = "DoNotDisturbOn",
        /// Log out.
        EndContactCenterSession = "EndContactCenterSession",
        /// Have calls come to the device again.
        ForwardCallsOff = "ForwardCallsOff",
        /// Have calls to the device go elsewhere.
        ForwardCallsOn = "ForwardCallsOn",
        /// Leave the call.
        Hangup = "Hangup",
        /// Put the call on hold.
        Hold = "Hold",
        /// Begin a consult call.
        InitiateConference = "InitiateConference",
        /// Begin a consult call.
        InitiateTransfer = "InitiateTransfer",
        /// Have oneself brought into an agent's calls, to listen.
        ListenIn = "ListenIn",
        /// Be heard by nobody.
        MuteCall = "MuteCall",
        /// Be not ready.
        NotReady = "NotReady",
        /// Log out of the telephone.
        Offline = "Offline",
        /// Anything else.
        Other = "other",
        /// Pause the recording.
        PauseCallRecording = "PauseCallRecording",
        /// Be ready.
        Ready = "Ready",
        /// Send the call back to its queue.
        Reject = "Reject",
        /// Take a party off.
        RemoveParticipantFromConference = "RemoveParticipantFromConference",
        /// Go on with the recording.
        ResumeCallRecording = "ResumeCallRecording",
        /// Take the call back from hold.
        Retrieve = "Retrieve",
        /// Send tones.
        SendDtmf = "SendDtmf",
        /// Say how the call went.
        SetCallDisposition = "SetCallDisposition",
        /// Add a party to the call.
        SingleStepConference = "SingleStepConference",
        /// Give the call away.
        SingleStepTransfer = "SingleStepTransfer",
        /// Record the call.
        StartCallRecording = "StartCallRecording",
        /// Log in.
        StartContactCenterSession = "StartContactCenterSession",
        /// Stop the recording.
        StopCallRecording = "StopCallRecording",
        /// Go to the other call.
        SwapCalls = "SwapCalls",
        /// Take part as a supervisor.
        SwitchToBargeIn = "SwitchToBargeIn",
        /// Whisper as a supervisor.
        SwitchToCoach = "SwitchToCoach",
        /// Listen as a supervisor.
        SwitchToListenIn = "SwitchToListenIn",
        /// Be heard again.
        UnmuteCall = "UnmuteCall",
        /// Replace data.
        UpdateUserData = "UpdateUserData",
    }

    /// Why messages were sent again.
    RedeliveryCause {
        /// The response that carried them was not written to its end.
        Lost = "lost",
        /// Their session was adopted after a start, and read them from the log.
        Resumed = "resumed",
        /// The client did not acknowledge them.
        Unacknowledged = "unacknowledged",
    }

    /// A route, by its pattern.
    Route {
        /// What back ends and operators do.
        Admin = "/admin/v1",
        /// Bayeux under its customary name.
        Bayeux = "/cometd",
        /// An agent's calls.
        Calls = "/api/v2/me/calls",
        /// An agent's channels.
        Channels = "/api/v2/me/channels",
        /// An agent's devices.
        Device = "/api/v2/me/devices",
        /// The version.
        Diagnostics = "/api/v2/diagnostics",
        /// Other people, and what else there is in the contact centre.
        Directory = "directory",
        /// Whether the process is up.
        Live = "/livez",
        /// The agent.
        Me = "/api/v2/me",
        /// The page of metrics.
        Metrics = "/metrics",
        /// Bayeux for desktops.
        Notifications = "/api/v2/notifications",
        /// Anything else.
        Other = "other",
        /// Whether it is able to serve.
        Ready = "/readyz",
        /// What holds for all agents.
        Settings = "/api/v2/settings",
    }

    /// Where a publication came from.
    Source {
        /// A back end published it by the admin API.
        Admin = "admin",
        /// Something happened on a call.
        Call = "call",
        /// A Bayeux client published it.
        Client = "client",
        /// It answers a message to a service channel.
        Service = "service",
    }

    /// The status of a response.
    Status {
        /// 101.
        SwitchingProtocols = "101",
        /// 200.
        Ok = "200",
        /// 202.
        Accepted = "202",
        /// 204.
        NoContent = "204",
        /// 400.
        BadRequest = "400",
        /// 401.
        Unauthorized = "401",
        /// 403.
        Forbidden = "403",
        /// 404.
        NotFound = "404",
        /// 405.
        MethodNotAllowed = "405",
        /// 408.
        RequestTimeout = "408",
        /// 409.
        Conflict = "409",
        /// 413.
        TooLarge = "413",
        /// 415.
        UnsupportedMediaType = "415",
        /// 422.
        Unprocessable = "422",
        /// 429.
        TooManyRequests = "429",
        /// 431.
        HeadersTooLarge = "431",
        /// 500.
        Internal = "500",
        /// 503.
        Unavailable = "503",
        /// Any other.
        Other = "other",
    }

    /// How a session's messages reach it.
    Transport {
        /// By themselves, over a stream of server-sent events.
        EventSource = "eventsource",
        /// In the response to a connect over HTTP.
        LongPolling = "long-polling",
        /// By themselves, over a socket.
        Websocket = "websocket",
    }

    /// What came of a question to a back end.
    UpstreamOutcome {
        /// It answered.
        Answered = "answered",
        /// The connection broke.
        Broken = "broken",
        /// As many questions were open as may be.
        Busy = "busy",
        /// What came was no answer.
        Invalid = "invalid",
        /// No answer came in time.
        Late = "late",
        /// It said no.
        Refused = "refused",
        /// No connection could be made.
        Unreachable = "unreachable",
    }
}

impl Status {
    /// The label of an HTTP status.
    pub const fn from_code(code: u16) -> Self {
        match code {
            101 => Self::SwitchingProtocols,
            200 => Self::Ok,
            202 => Self::Accepted,
            204 => Self::NoContent,
            400 => Self::BadRequest,
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            408 => Self::RequestTimeout,
            409 => Self::Conflict,
            413 => Self::TooLarge,
            415 => Self::UnsupportedMediaType,
            422 => Self::Unprocessable,
            429 => Self::TooManyRequests,
            431 => Self::HeadersTooLarge,
            500 => Self::Internal,
            503 => Self::Unavailable,
            _ => Self::Other,
        }
    }
}
