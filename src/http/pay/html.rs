//! The payment page as HTML: no script, nothing from elsewhere, its style known by its digest.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::words::{LANGUAGES, Stage, Words, words};
use crate::domain::{Currency, Money};
use crate::ports::acquirer::{CustomerAction, PageLanguage};

const STYLE: &str = include_str!("style.css");
static STYLE_DIGEST: LazyLock<String> = LazyLock::new(|| STANDARD.encode(Sha256::digest(STYLE)));

const MARK: &str = "<svg viewBox=\"0 0 24 24\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" \
    stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\"><rect x=\"6\" y=\"2.5\" width=\"12\" height=\"19\" \
    rx=\"2.5\"/><path d=\"M12 7v7m-3-3 3 3 3-3M10.5 18.5h3\"/></svg>";
const TICK: &str = "<path d=\"m14.5 24.5 6.5 6.5 13-14\"/>";
const CROSS: &str = "<path d=\"m17 17 14 14m0-14L17 31\"/>";
const CLOCK: &str = "<path d=\"M24 14v10.5l7 4\"/>";
const CARD: &str = "<rect x=\"12\" y=\"16\" width=\"24\" height=\"16\" rx=\"2.5\"/><path d=\"M12 21.5h24M16 27.5h5\"/>";
const BACK: &str = "<path d=\"M16 22h11a5 5 0 0 1 0 10h-5M21 17l-5 5 5 5\"/>";

/// What one page shows.
pub struct Page<'a> {
    pub language: PageLanguage,
    pub stage: Stage,
    /// Seconds until it loads itself again.
    pub refresh_s: Option<u32>,
    pub payment: Option<Shown<'a>>,
    /// Whether the customer came back to it; links keep it.
    pub returned: bool,
}

/// Of a payment.
pub struct Shown<'a> {
    pub reference: &'a str,
    pub due: Money,
    pub stock: Money,
    pub action: Option<&'a CustomerAction>,
    pub back: Option<&'a str>,
}

/// What the page may do: its own style, and the one form that it has.
pub fn policy(action: Option<&CustomerAction>) -> String {
    let target = match action {
        Some(CustomerAction::Form { url, .. }) => origin(url),
        _ => None,
    };
    format!(
        "default-src 'none'; style-src 'sha256-{}'; form-action {}; base-uri 'none'; frame-ancestors 'none'",
        *STYLE_DIGEST,
        target.as_deref().unwrap_or("'none'"),
    )
}

fn origin(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    Some(format!("{}://{}", url.scheme_str()?, url.authority()?.as_str().rsplit('@').next()?))
}

/// The page as a document.
pub fn document(page: &Page<'_>) -> String {
    let words = words(page.language);
    let (heading, means) = words.says(page.stage);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"{}\" dir=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n",
        words.code, words.direction
    );
    if let Some(seconds) = page.refresh_s {
        push(&mut html, format_args!("<meta http-equiv=\"refresh\" content=\"{seconds}\">\n"));
    }
    push(
        &mut html,
        format_args!(
            "<title>{heading}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>{MARK}<span>{}</span></header>\n\
             <main>\n{}<h1 role=\"status\">{heading}</h1>\n<p>{means}</p>\n",
            words.product,
            sign(page.stage),
        ),
    );
    if let Some(payment) = &page.payment {
        details(&mut html, payment, words);
        html.push_str(&action(payment, words, page.stage));
    }
    push(&mut html, format_args!("</main>\n<nav aria-label=\"{}\">", words.languages));
    for (language, name) in LANGUAGES {
        let current = if language == page.language { " aria-current=\"true\"" } else { "" };
        let code = language.code();
        let returned = if page.returned { "&amp;returned" } else { "" };
        push(
            &mut html,
            format_args!("<a href=\"?lang={code}{returned}\" hreflang=\"{code}\" lang=\"{code}\"{current}>{name}</a>"),
        );
    }
    html.push_str("</nav>\n</body>\n</html>\n");
    html
}

fn push(html: &mut String, part: std::fmt::Arguments<'_>) {
    html.write_fmt(part).expect("a text takes all that is written");
}

fn sign(stage: Stage) -> String {
    let (class, picture) = match stage {
        Stage::Credited => ("good", TICK),
        Stage::Declined | Stage::Expired | Stage::ChargedBack | Stage::Unknown => ("bad", CROSS),
        Stage::ToPay => ("ask", CARD),
        Stage::Refunded => ("good", BACK),
        _ => ("wait", CLOCK),
    };
    format!(
        "<svg class=\"sign {class}\" viewBox=\"0 0 48 48\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"3\" \
         stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\"><circle cx=\"24\" cy=\"24\" r=\"21\"/>{picture}</svg>\n"
    )
}

fn details(html: &mut String, payment: &Shown<'_>, words: &Words) {
    push(
        html,
        format_args!(
            "<dl>\n<div class=\"total\"><dt>{}</dt><dd>{}</dd></div>\n<div><dt>{}</dt><dd>{}</dd></div>\n\
             <div class=\"small\"><dt>{}</dt><dd><bdi dir=\"ltr\">{}</bdi></dd></div>\n</dl>\n",
            words.to_pay,
            amount(payment.due, words),
            words.stock,
            amount(payment.stock, words),
            words.reference,
            escaped(payment.reference),
        ),
    );
}

/// What can be done now: pay, or go back to the shop.
fn action(payment: &Shown<'_>, words: &Words, stage: Stage) -> String {
    let (class, label) =
        if stage == Stage::Returned { (" class=\"quiet\"", words.pay_after_all) } else { ("", words.pay) };
    match payment.action {
        Some(CustomerAction::Redirect { url }) => {
            let class = if class.is_empty() { "button" } else { "button quiet" };
            format!("<a class=\"{class}\" rel=\"noreferrer\" href=\"{}\">{label}</a>\n", escaped(url))
        }
        Some(CustomerAction::Form { url, fields }) => {
            let mut form = format!("<form method=\"post\" accept-charset=\"UTF-8\" action=\"{}\">", escaped(url));
            for (name, value) in fields {
                push(
                    &mut form,
                    format_args!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value)),
                );
            }
            push(&mut form, format_args!("<button{class}>{label}</button></form>\n"));
            form
        }
        None => payment.back.map_or_else(String::new, |url| {
            format!("<a class=\"button quiet\" rel=\"noreferrer\" href=\"{}\">{}</a>\n", escaped(url), words.back)
        }),
    }
}

/// As people of the language write it. Digits are those that cards and banks in Morocco use.
fn amount(money: Money, words: &Words) -> String {
    let (thousands, point) = words.marks;
    let text = money.to_string();
    let (whole, decimals) = text.split_once('.').map_or((&*text, None), |(whole, decimals)| (whole, Some(decimals)));
    let mut shown = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            shown.push(thousands);
        }
        shown.push(digit);
    }
    if let Some(decimals) = decimals {
        shown.push(point);
        shown.push_str(decimals);
    }
    let currency: Currency = money.currency();
    format!("<bdi dir=\"ltr\">{shown}\u{a0}{}</bdi>", currency.code())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(stage: Stage, language: PageLanguage, action: Option<&CustomerAction>, back: Option<&str>) -> String {
        let money = |minor| Money::from_minor(minor, Currency::MAD);
        let payment = Shown { reference: "top_x", due: money(123_456_789), stock: money(5), action, back };
        document(&Page { language, stage, refresh_s: None, payment: Some(payment), returned: false })
    }

    #[test]
    fn amounts_are_written_as_people_write_them() {
        let french = page(Stage::Working, PageLanguage::French, None, None);
        assert!(
            french.contains("1\u{202f}234\u{202f}567,89\u{a0}MAD") && french.contains(">0,05\u{a0}MAD<"),
            "{french}"
        );
        let english = page(Stage::Working, PageLanguage::English, None, None);
        assert!(english.contains("1,234,567.89\u{a0}MAD"), "{english}");
    }

    #[test]
    fn what_comes_from_elsewhere_stays_text() {
        let form = CustomerAction::Form {
            url: "https://gate.example:8443/3d?a=\"><script>".into(),
            fields: vec![("oid".into(), "\"><script>alert(1)</script>".into())],
        };
        let page_with = page(Stage::ToPay, PageLanguage::English, Some(&form), None);
        let back = page(Stage::Credited, PageLanguage::English, None, Some("https://shop/'\"><script>"));
        assert!(!page_with.contains("<script") && !back.contains("<script"), "{page_with}{back}");
    }

    #[test]
    fn the_policy_names_the_one_place_of_the_form() {
        let form = |url: &str| CustomerAction::Form { url: url.into(), fields: Vec::new() };
        assert!(policy(Some(&form("https://gate.example:8443/3d"))).contains("form-action https://gate.example:8443;"));
        for none in [None, Some(&form("nonsense")), Some(&CustomerAction::Redirect { url: "https://x".into() })] {
            assert!(policy(none).contains("form-action 'none';"));
        }
        for forbidden in ["unsafe", "script", "*", "data:"] {
            assert!(!policy(None).contains(forbidden), "{forbidden}");
        }
    }
}
