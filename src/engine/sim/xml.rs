//! Documents as watchers read them: a small strict reader of XML, and what a lamp makes of a `dialog-info`.
use std::collections::BTreeMap;

/// An element.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) children: Vec<Self>,
    /// All text in it, but not that of its children.
    pub(super) text: String,
}

impl Node {
    /// Reads a whole document; what is wrong with it, if it is not well-formed.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let body = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").ok_or("no declaration")?;
        let mut rest = body.trim_start();
        let root = Self::element(&mut rest)?;
        if rest.trim().is_empty() { Ok(root) } else { Err(format!("behind the root: {rest:?}")) }
    }

    fn element(rest: &mut &str) -> Result<Self, String> {
        let inside = rest.strip_prefix('<').ok_or(format!("no element: {rest:?}"))?;
        let end = inside.find('>').ok_or("a tag without an end")?;
        let (tag, after) = (&inside[..end], &inside[end + 1..]);
        *rest = after;
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let is_name = |c: char| c.is_ascii_alphanumeric() || ":-_.".contains(c);
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(format!("no name: {name:?}"));
        }
        let mut node = Self { name: name.to_owned(), attributes: read_attributes(attributes)?, ..Self::default() };
        if empty {
            return Ok(node);
        }
        loop {
            let at = rest.find('<').ok_or(format!("<{name}> is not closed"))?;
            node.text += &unescape(&rest[..at])?;
            *rest = &rest[at..];
            if let Some(closing) = rest.strip_prefix("</") {
                let end = closing.find('>').ok_or("a tag without an end")?;
                if &closing[..end] != name {
                    return Err(format!("<{name}> is closed by </{}>", &closing[..end]));
                }
                *rest = &closing[end + 1..];
                node.text = node.text.trim().to_owned();
                return Ok(node);
            }
            node.children.push(Self::element(rest)?);
        }
    }

    /// An attribute; empty if it is not there.
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// The only child of this name, if there is one.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        let mut found = self.children.iter().filter(|child| child.name == name);
        let first = found.next();
        assert!(found.next().is_none(), "one {name} in {self:?}");
        first
    }

    pub(super) fn all<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Self> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

fn read_attributes(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").ok_or(format!("no attribute: {rest:?}"))?;
        let (value, after) = after.split_once('"').ok_or(format!("no end of {name}"))?;
        if name.contains([' ', '<', '&']) || value.contains('<') {
            return Err(format!("no attribute: {rest:?}"));
        }
        if found.insert(name.to_owned(), unescape(value)?).is_some() {
            return Err(format!("two {name}"));
        }
        rest = after.trim_start();
    }
    Ok(found)
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, entity)) = rest.split_once('&') {
        let (entity, after) = entity.split_once(';').ok_or(format!("a bare & in {text:?}"))?;
        out += before;
        out.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => return Err(format!("&{entity};")),
        });
        rest = after;
    }
    Ok(out + rest)
}

/// One call that a lamp shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Light {
    pub(super) id: String,
    pub(super) call_id: String,
    pub(super) local_tag: String,
    pub(super) remote_tag: String,
    pub(super) direction: String,
    pub(super) state: String,
    pub(super) duration: Option<u64>,
    pub(super) local: Option<Party>,
    pub(super) remote: Option<Party>,
}

/// One side of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Party {
    pub(super) display: String,
    pub(super) identity: String,
    pub(super) target: String,
    /// What `+sip.rendering` says.
    pub(super) rendering: Option<String>,
}

/// A whole document.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lights {
    pub(super) version: u32,
    pub(super) entity: String,
    pub(super) lights: Vec<Light>,
}

impl Light {
    /// The Replaces of who picks this call up: the other way round than it is shown (RFC 5359 §2.16).
    pub(super) fn replaces(&self) -> String {
        format!("{};to-tag={};from-tag={}", self.call_id, self.remote_tag, self.local_tag)
    }
}

impl Lights {
    /// Reads a document, element by element in the order of RFC 4235 §4.4.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let root = Node::read(text)?;
        let known = (root.name.as_str(), root.attribute("xmlns"), root.attribute("state"));
        if known != ("dialog-info", "urn:ietf:params:xml:ns:dialog-info", "full") {
            return Err(format!("{known:?}"));
        }
        if root.children.is_empty() || root.children.iter().any(|child| child.name != "dialog") {
            return Err("nothing but dialogs, and one at least".into());
        }
        let version = root.attribute("version").parse().map_err(|_| "no version".to_owned())?;
        let lights = root.children.iter().map(light).collect::<Result<_, _>>()?;
        Ok(Self { version, entity: root.attribute("entity").to_owned(), lights })
    }
}

fn light(node: &Node) -> Result<Light, String> {
    let order = ["state", "duration", "local", "remote"];
    let places: Option<Vec<usize>> =
        node.children.iter().map(|child| order.iter().position(|name| *name == child.name)).collect();
    if !places.is_some_and(|places| places.is_sorted()) {
        return Err(format!("out of order: {node:?}"));
    }
    let text = |name| node.child(name).map(|child| child.text.clone());
    let party = |node: &Node| {
        let (identity, target) = (node.child("identity"), node.child("target"));
        let rendering = target.and_then(|target| target.child("param"));
        Party {
            display: identity.map_or("", |identity| identity.attribute("display")).to_owned(),
            identity: identity.map_or("", |identity| &identity.text).to_owned(),
            target: target.map_or("", |target| target.attribute("uri")).to_owned(),
            rendering: rendering
                .filter(|param| param.attribute("pname") == "+sip.rendering")
                .map(|param| param.attribute("pval").to_owned()),
        }
    };
    if node.attribute("id").is_empty() {
        return Err("a dialog without id".into());
    }
    Ok(Light {
        id: node.attribute("id").into(),
        call_id: node.attribute("call-id").into(),
        local_tag: node.attribute("local-tag").into(),
        remote_tag: node.attribute("remote-tag").into(),
        direction: node.attribute("direction").into(),
        state: text("state").ok_or("no state")?,
        duration: text("duration").and_then(|seconds| seconds.parse().ok()),
        local: node.child("local").map(party),
        remote: node.child("remote").map(party),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n";

    #[test]
    fn what_is_not_well_formed_is_said() {
        let read = |text: &str| Node::read(&format!("{HEAD}{text}"));
        let node = read("<a x=\"1\" y=\"&lt;&quot;\">t &amp; u<b/><b z=\"\">v</b></a>\r\n").unwrap();
        assert_eq!((node.attribute("x"), node.attribute("y"), node.text.as_str()), ("1", "<\"", "t & u"));
        assert_eq!(node.all("b").map(|b| b.text.as_str()).collect::<Vec<_>>(), ["", "v"]);
        for wrong in [
            "<a>",
            "<a></b>",
            "<a x=1/>",
            "<a x=\"1\" x=\"2\"/>",
            "<a>&</a>",
            "<a>&x;</a>",
            "<a/><b/>",
            "<a><b></a></b>",
            "a",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(Node::read("<a/>").is_err());
    }
}
