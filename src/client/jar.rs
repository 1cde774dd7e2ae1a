//! The cookies of one client: names and values, sent back with every request.

use hyper::header::HeaderValue;

/// What the server set.
#[derive(Debug, Default)]
pub(super) struct Jar {
    cookies: Vec<(Box<str>, Box<str>)>,
    /// The `Cookie` header made of them.
    header: Option<HeaderValue>,
}

impl Jar {
    /// Takes in one `Set-Cookie`. Attributes are not looked at, but that an age of nothing deletes.
    pub(super) fn set(&mut self, text: &str) {
        let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
        let Some((name, value)) = pair.split_once('=') else { return };
        let (name, value) = (name.trim(), value.trim());
        let gone = attributes.split(';').any(|attribute| attribute.trim().eq_ignore_ascii_case("max-age=0"));
        self.cookies.retain(|(known, _)| &**known != name);
        if !gone {
            self.cookies.push((name.into(), value.into()));
        }
        self.render();
    }

    /// Forgets the login.
    pub(super) fn forget_login(&mut self) {
        self.cookies.retain(|(name, _)| &**name != LOGIN);
        self.render();
    }

    pub(super) fn has_login(&self) -> bool {
        self.cookies.iter().any(|(name, _)| &**name == LOGIN)
    }

    pub(super) fn header(&self) -> Option<&HeaderValue> {
        self.header.as_ref()
    }

    fn render(&mut self) {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.header = if pairs.is_empty() { None } else { HeaderValue::from_str(&pairs.join("; ")).ok() };
    }
}

/// The cookie that stands for a login.
const LOGIN: &str = "JSESSIONID";
