//! The simulator's payment page: where a customer would type a card, a test token is chosen. There is no field for a
//! card number, no script, and nothing from elsewhere.

use super::payment::{Payment, Status};
use super::token::OFFERED;
use crate::domain::{Currency, Money};

/// What the page may load: its own style, and nothing else; it posts to itself.
pub(super) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

struct Words {
    title: &'static str,
    amount: &'static str,
    token: &'static str,
    pay: &'static str,
    prove: &'static str,
    give_up: &'static str,
    declined: &'static str,
    done: &'static str,
    ended: &'static str,
    back: &'static str,
}

const FRENCH: Words = Words {
    title: "Paiement d’essai",
    amount: "Montant",
    token: "Jeton d’essai",
    pay: "Payer",
    prove: "Je suis le titulaire de la carte",
    give_up: "Abandonner",
    declined: "La carte a été refusée. Choisissez-en une autre.",
    done: "Le paiement est enregistré.",
    ended: "Ce paiement n’attend plus rien.",
    back: "Retour",
};

const ARABIC: Words = Words {
    title: "دفع تجريبي",
    amount: "المبلغ",
    token: "رمز تجريبي",
    pay: "ادفع",
    prove: "أنا صاحب البطاقة",
    give_up: "إلغاء",
    declined: "رُفضت البطاقة. اختر غيرها.",
    done: "سُجّل الدفع.",
    ended: "هذه العملية منتهية.",
    back: "رجوع",
};

const ENGLISH: Words = Words {
    title: "Test payment",
    amount: "Amount",
    token: "Test token",
    pay: "Pay",
    prove: "I am the holder of the card",
    give_up: "Give up",
    declined: "The card was declined. Choose another one.",
    done: "The payment is recorded.",
    ended: "This payment waits for nothing any more.",
    back: "Back",
};

fn words(language: &str) -> (&'static Words, &'static str, &'static str) {
    match language {
        "ar" => (&ARABIC, "ar", "rtl"),
        "en" => (&ENGLISH, "en", "ltr"),
        _ => (&FRENCH, "fr", "ltr"),
    }
}

/// The page of a payment as it stands.
pub(super) fn html(payment: &Payment) -> String {
    let (words, language, direction) = words(&payment.asked.language);
    let amount = payment.asked.currency.parse::<Currency>().map_or_else(
        |_| payment.asked.amount_minor.to_string(),
        |currency| Money::from_minor(payment.asked.amount_minor, currency).to_string(),
    );
    let body = match payment.status {
        Status::RequiresAction => form(payment, words),
        Status::Authorised | Status::Captured => {
            format!("<p role=\"status\">{}</p>{}", words.done, back(payment, words))
        }
        Status::Voided | Status::Declined => format!("<p role=\"status\">{}</p>{}", words.ended, back(payment, words)),
    };
    format!(
        "<!doctype html>\n<html lang=\"{language}\" dir=\"{direction}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <style>body{{font-family:sans-serif;max-width:24rem;margin:2rem auto;padding:0 1rem}}\
         button,select{{font:inherit;padding:.5rem;margin:.5rem 0;width:100%}}</style></head>\
         <body><h1>{title}</h1><p>{amount_word}: <strong><bdi>{amount} {currency}</bdi></strong></p>{body}</body></html>\n",
        title = words.title,
        amount_word = words.amount,
        currency = escaped(&payment.asked.currency),
    )
}

fn form(payment: &Payment, words: &Words) -> String {
    let declined =
        if payment.code.is_some() { format!("<p role=\"alert\">{}</p>", words.declined) } else { String::new() };
    let choice = if payment.asked.token.is_some() {
        format!("<button name=\"action\" value=\"pay\">{}</button>", words.prove)
    } else {
        let options: String = OFFERED.iter().map(|token| format!("<option>{token}</option>")).collect();
        format!(
            "<label>{}<select name=\"token\">{options}</select></label><button name=\"action\" value=\"pay\">{}</button>",
            words.token, words.pay
        )
    };
    format!(
        "{declined}<form method=\"post\">{choice}<button name=\"action\" value=\"give_up\">{}</button></form>",
        words.give_up
    )
}

fn back(payment: &Payment, words: &Words) -> String {
    match &payment.asked.return_url {
        Some(url) => format!("<p><a href=\"{}\">{}</a></p>", escaped(url), words.back),
        None => String::new(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::super::payment::{Asked, Moment};
    use super::*;

    fn page(language: &str, token: Option<&str>) -> String {
        let asked = Asked {
            order: "o1".into(),
            amount_minor: 106_050,
            currency: "MAD".into(),
            token: token.map(Into::into),
            manual: false,
            return_url: Some("http://shop/\"><script>".into()),
            language: language.into(),
        };
        html(&Payment::new(asked, Moment { now_ms: 0, late_ms: 0, notifies: false }))
    }

    #[test]
    fn it_has_no_field_for_a_card_and_no_script() {
        for language in ["fr", "ar", "en", "xx"] {
            for token in [None, Some("tok_3ds"), Some("tok_approved")] {
                let page = page(language, token);
                assert!(!page.contains("<input") && !page.contains("<script"), "{page}");
                assert!(page.contains("1060.50 MAD"), "{page}");
            }
        }
        assert!(page("ar", None).contains("dir=\"rtl\""));
    }
}
