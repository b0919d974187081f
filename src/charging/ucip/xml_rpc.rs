//! XML-RPC documents, read into values and written from them (<http://xmlrpc.com/spec.md>).
//!
//! The XML itself is read by a library. What it is not asked to do is as important: a document type is refused, so there
//! are no entities but the five predefined ones and nothing to expand, and a document may be neither deep nor have many
//! elements. How long it may be is for whoever reads it from the wire.

use std::fmt;

use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};

const MAX_DEPTH: usize = 24;
const MAX_ELEMENTS: usize = 4_096;

/// A value. What UCIP has no use for (`double`, `base64`) is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Int(i64),
    Flag(bool),
    Text(String),
    /// As it was written, such as `20261122T10:15:30+0100`.
    Time(String),
    Struct(Vec<(String, Value)>),
    Array(Vec<Value>),
    Nil,
}

impl Value {
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A member of a struct.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        let Self::Struct(members) = self else { return None };
        members.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    #[must_use]
    pub fn int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }

    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// What one side says to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    Call { method: String, params: Vec<Value> },
    Answer(Value),
    Fault { code: i64 },
}

/// Why a text is no such document. It never repeats the text, which may name a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unreadable XML-RPC: {0}")]
pub struct Unreadable(&'static str);

/// Reads a document.
///
/// # Errors
/// [`Unreadable`] when it is not complete, well formed XML, or not XML-RPC.
pub fn parse(bytes: &[u8]) -> Result<Document, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable("not UTF-8"))?;
    let root = read_tree(text)?;
    match &*root.name {
        "methodCall" => {
            let method = root.only("methodName")?.text.trim().to_owned();
            let params = root.child("params").map_or(&[][..], |params| &params.children);
            let params = params.iter().map(|param| value(param.only("value")?)).collect::<Result<_, _>>()?;
            Ok(Document::Call { method, params })
        }
        "methodResponse" => match root.child("fault") {
            Some(fault) => {
                let code = value(fault.only("value")?)?.member("faultCode").and_then(Value::int);
                Ok(Document::Fault { code: code.ok_or(Unreadable("a fault without its code"))? })
            }
            None => Ok(Document::Answer(value(root.only("params")?.only("param")?.only("value")?)?)),
        },
        _ => Err(Unreadable("neither a call nor an answer")),
    }
}

/// An element with all that is in it; attributes play no part.
struct Node {
    name: String,
    text: String,
    children: Vec<Node>,
}

impl Node {
    fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The one child of this name: two would leave open which one is meant.
    fn only(&self, name: &str) -> Result<&Self, Unreadable> {
        let mut named = self.children.iter().filter(|child| child.name == name);
        match (named.next(), named.next()) {
            (Some(child), None) => Ok(child),
            (Some(_), Some(_)) => Err(Unreadable("an element stands twice")),
            (None, _) => Err(Unreadable("an element is missing")),
        }
    }
}

fn read_tree(text: &str) -> Result<Node, Unreadable> {
    const MALFORMED: Unreadable = Unreadable("malformed");
    let mut reader = Reader::from_str(text);
    let (mut open, mut root, mut elements) = (Vec::<Node>::new(), None, 0);
    loop {
        match reader.read_event().map_err(|_| MALFORMED)? {
            event @ (Event::Start(_) | Event::Empty(_)) => {
                elements += 1;
                if open.len() >= MAX_DEPTH || elements > MAX_ELEMENTS {
                    return Err(Unreadable("too deep or too large"));
                }
                let closed = matches!(event, Event::Empty(_));
                let (Event::Start(tag) | Event::Empty(tag)) = event else { return Err(MALFORMED) };
                let name = tag.name().into_inner().to_owned();
                open.push(Node { name, text: String::new(), children: Vec::new() });
                if closed {
                    close(&mut open, &mut root)?;
                }
            }
            Event::End(_) => close(&mut open, &mut root)?,
            Event::Text(text) => add(&mut open, &text.xml10_content())?,
            Event::CData(text) => add(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|_| MALFORMED)?;
                let character = character.or_else(|| predefined(&reference.xml10_content()));
                let character = character.ok_or(Unreadable("an entity that is not predefined"))?;
                add(&mut open, character.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return Err(Unreadable("a document type")),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if open.is_empty() { root.ok_or(Unreadable("nothing in it")) } else { Err(Unreadable("cut off")) }
}

fn close(open: &mut Vec<Node>, root: &mut Option<Node>) -> Result<(), Unreadable> {
    let node = open.pop().ok_or(Unreadable("malformed"))?;
    match open.last_mut() {
        Some(parent) => parent.children.push(node),
        None if root.is_none() => *root = Some(node),
        None => return Err(Unreadable("two documents in one")),
    }
    Ok(())
}

fn add(open: &mut [Node], text: &str) -> Result<(), Unreadable> {
    match open.last_mut() {
        Some(node) => node.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(Unreadable("text outside of the document")),
    }
    Ok(())
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

fn value(node: &Node) -> Result<Value, Unreadable> {
    let [typed] = &*node.children else {
        // Without a type it is a text.
        return if node.children.is_empty() {
            Ok(Value::Text(node.text.clone()))
        } else {
            Err(Unreadable("a value with two types"))
        };
    };
    if !node.text.trim().is_empty() {
        return Err(Unreadable("a value with text beside its type"));
    }
    let plain = typed.text.trim();
    let simple = typed.children.is_empty();
    Ok(match (&*typed.name, simple) {
        ("i4" | "int" | "i8", true) => Value::Int(plain.parse().map_err(|_| Unreadable("not a whole number"))?),
        ("boolean", true) => match plain {
            "0" => Value::Flag(false),
            "1" => Value::Flag(true),
            _ => return Err(Unreadable("not a boolean")),
        },
        ("string", true) => Value::Text(typed.text.clone()),
        ("dateTime.iso8601", true) => Value::Time(plain.to_owned()),
        ("nil", true) => Value::Nil,
        ("struct", _) => Value::Struct(members(typed)?),
        ("array", _) => {
            let data = typed.only("data")?;
            Value::Array(data.children.iter().map(value).collect::<Result<_, _>>()?)
        }
        _ => return Err(Unreadable("a type that is not known")),
    })
}

fn members(node: &Node) -> Result<Vec<(String, Value)>, Unreadable> {
    let mut members: Vec<(String, Value)> = Vec::with_capacity(node.children.len());
    for member in &node.children {
        let name = member.only("name")?.text.trim().to_owned();
        if member.name != "member" || members.iter().any(|(other, _)| *other == name) {
            return Err(Unreadable("a member that stands twice, or is none"));
        }
        members.push((name, value(member.only("value")?)?));
    }
    Ok(members)
}

/// A call with one parameter, as UCIP has it.
#[must_use]
pub fn write_call(method: &str, parameter: &Value) -> Vec<u8> {
    document("methodCall", |out| {
        leaf(out, "methodName", method)?;
        params(out, parameter)
    })
}

/// An answer.
#[must_use]
pub fn write_answer(value: &Value) -> Vec<u8> {
    document("methodResponse", |out| params(out, value))
}

/// An answer that says that the call could not be understood.
#[must_use]
pub fn write_fault(code: i64, text: &str) -> Vec<u8> {
    let members = [("faultCode".to_owned(), Value::Int(code)), ("faultString".to_owned(), Value::text(text))];
    document("methodResponse", |out| nested(out, &["fault"], |out| write_value(out, &Value::Struct(members.into()))))
}

type Out = Writer<Vec<u8>>;

fn document(root: &str, inner: impl FnOnce(&mut Out) -> std::io::Result<()>) -> Vec<u8> {
    let mut out = Writer::new(Vec::new());
    let declared = out.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)));
    declared.and_then(|()| nested(&mut out, &[root], inner)).expect("a vector takes whatever is written");
    out.into_inner()
}

/// Writes `inner` within these elements, the outermost first.
fn nested(out: &mut Out, names: &[&str], inner: impl FnOnce(&mut Out) -> std::io::Result<()>) -> std::io::Result<()> {
    names.iter().try_for_each(|name| out.write_event(Event::Start(BytesStart::new(*name))))?;
    inner(out)?;
    names.iter().rev().try_for_each(|name| out.write_event(Event::End(BytesEnd::new(*name))))
}

fn leaf(out: &mut Out, name: &str, text: &str) -> std::io::Result<()> {
    nested(out, &[name], |out| out.write_event(Event::Text(BytesText::new(text))))
}

fn params(out: &mut Out, value: &Value) -> std::io::Result<()> {
    nested(out, &["params", "param"], |out| write_value(out, value))
}

fn write_value(out: &mut Out, value: &Value) -> std::io::Result<()> {
    nested(out, &["value"], |out| match value {
        // i8 is an extension: what does not fit is never sent as a number.
        Value::Int(number) => leaf(out, "int", &number.to_string()),
        Value::Flag(flag) => leaf(out, "boolean", if *flag { "1" } else { "0" }),
        Value::Text(text) => leaf(out, "string", text),
        Value::Time(text) => leaf(out, "dateTime.iso8601", text),
        Value::Nil => nested(out, &["nil"], |_| Ok(())),
        Value::Struct(members) => nested(out, &["struct"], |out| {
            members.iter().try_for_each(|(name, value)| {
                nested(out, &["member"], |out| {
                    leaf(out, "name", name)?;
                    write_value(out, value)
                })
            })
        }),
        Value::Array(values) => {
            nested(out, &["array", "data"], |out| values.iter().try_for_each(|value| write_value(out, value)))
        }
    })
}

impl fmt::Display for Document {
    /// Without its content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { .. } => f.write_str("a call"),
            Self::Answer(_) => f.write_str("an answer"),
            Self::Fault { code } => write!(f, "fault {code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rich() -> Value {
        Value::Struct(vec![
            ("amount".into(), Value::text("2000")),
            ("nai".into(), Value::Int(-1)),
            ("again".into(), Value::Flag(true)),
            ("at".into(), Value::Time("20261122T10:15:30+0100".into())),
            ("odd".into(), Value::text("<&>\"' تعبئة")),
            ("list".into(), Value::Array(vec![Value::Nil, Value::Array(vec![]), Value::Struct(vec![])])),
        ])
    }

    #[test]
    fn documents_read_back_as_written() {
        let call = write_call("Refill", &rich());
        assert_eq!(parse(&call), Ok(Document::Call { method: "Refill".into(), params: vec![rich()] }));
        assert_eq!(parse(&write_answer(&rich())), Ok(Document::Answer(rich())));
        assert_eq!(parse(&write_fault(1_000, "Illegal request")), Ok(Document::Fault { code: 1_000 }));
    }

    #[test]
    fn other_spellings_of_the_same_are_read() {
        let text = "<?xml version='1.0'?>\n<!-- hello -->\n<methodResponse>\n<params><param><value><struct>\
            <member><name>a</name>\n<value>plain &lt;text&gt; &#x41;&#66;</value></member>\
            <member><name>b</name><value><i4> 7 </i4></value></member>\
            <member><name>c</name><value><string><![CDATA[<&>]]></string></value></member>\
            <member><name>d</name><value/></member></struct></value></param></params></methodResponse>\n";
        let Ok(Document::Answer(value)) = parse(text.as_bytes()) else { panic!("{:?}", parse(text.as_bytes())) };
        assert_eq!(value.member("a"), Some(&Value::text("plain <text> AB")));
        assert_eq!(value.member("b"), Some(&Value::Int(7)));
        assert_eq!(value.member("c"), Some(&Value::text("<&>")));
        assert_eq!(value.member("d"), Some(&Value::text("")));
        assert_eq!(value.member("e"), None);
    }

    #[test]
    fn what_is_not_exactly_one_document_is_refused() {
        let whole = String::from_utf8(write_answer(&rich())).unwrap();
        for length in 0..whole.len() {
            // A cut between the bytes of one letter is no UTF-8 any more.
            assert!(parse(&whole.as_bytes()[..length]).is_err(), "{length}");
        }
        let value = |inner: &str| {
            format!("<methodResponse><params><param><value>{inner}</value></param></params></methodResponse>")
        };
        assert!(parse(value("<int>1</int>").as_bytes()).is_ok());
        for wrong in [
            format!("{whole}{whole}"),
            format!("{whole}text"),
            whole.replace("</struct>", "</array>"),
            "<html><body>OK</body></html>".into(),
            "{\"responseCode\":0}".into(),
            value("<int>1</int><int>2</int>"),
            value("1<int>2</int>"),
            value("<int>one</int>"),
            value("<int>99999999999999999999</int>"),
            value("<boolean>2</boolean>"),
            value("<money>1</money>"),
            value("<int><int>1</int></int>"),
            value("<string>&nbsp;</string>"),
            value(
                "<struct><member><name>a</name><value>1</value></member>\
                <member><name>a</name><value>2</value></member></struct>",
            ),
            value("<struct><member><name>a</name><value>1</value><value>2</value></member></struct>"),
            "<methodResponse/>".into(),
            "<methodResponse><fault><value>down</value></fault></methodResponse>".into(),
        ] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(parse(b"<methodResponse>\xff\xfe</methodResponse>").is_err());
    }

    #[test]
    fn bombs_are_refused() {
        let laughs = "<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;&lol;\">]>\
            <methodResponse><params><param><value>&lol2;</value></param></params></methodResponse>";
        assert_eq!(parse(laughs.as_bytes()), Err(Unreadable("a document type")));
        let outside = "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><methodResponse/>";
        assert_eq!(parse(outside.as_bytes()), Err(Unreadable("a document type")));
        let deep = "<value>".repeat(30_000);
        assert_eq!(parse(deep.as_bytes()), Err(Unreadable("too deep or too large")));
        let wide = format!("<methodResponse>{}</methodResponse>", "<a/>".repeat(5_000));
        assert_eq!(parse(wide.as_bytes()), Err(Unreadable("too deep or too large")));
    }
}
