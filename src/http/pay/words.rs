//! What the payment page says, in Arabic, French and English.

use axum::http::{HeaderMap, header};

use crate::ports::acquirer::PageLanguage;

/// How a payment stands, as its customer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody needs to do anything.
    Working,
    /// The customer must pay.
    ToPay,
    /// The customer has been at the acquirer's; nothing is known from there.
    Returned,
    /// The time to pay is over; whether somebody paid is being asked.
    Late,
    InDoubt,
    /// Paid, and the stock has not come.
    Taken,
    Credited,
    Declined,
    Expired,
    Refunded,
    ChargedBack,
    Unknown,
    Busy,
}

/// A heading, and what it means for the customer.
pub type Says = (&'static str, &'static str);

/// All texts of one language but those of the stages.
pub struct Words {
    pub code: &'static str,
    pub direction: &'static str,
    pub product: &'static str,
    pub to_pay: &'static str,
    pub stock: &'static str,
    pub reference: &'static str,
    pub pay: &'static str,
    pub pay_after_all: &'static str,
    pub back: &'static str,
    pub languages: &'static str,
    /// Between thousands, and before decimals.
    pub marks: (char, char),
    stage: fn(Stage) -> Says,
}

impl Words {
    pub fn says(&self, stage: Stage) -> Says {
        (self.stage)(stage)
    }
}

pub const LANGUAGES: [(PageLanguage, &str); 3] =
    [(PageLanguage::Arabic, "العربية"), (PageLanguage::French, "Français"), (PageLanguage::English, "English")];

pub fn words(language: PageLanguage) -> &'static Words {
    match language {
        PageLanguage::Arabic => &ARABIC,
        PageLanguage::French => &FRENCH,
        PageLanguage::English => &ENGLISH,
    }
}

const NARROW_SPACE: char = '\u{202f}';

static ARABIC: Words = Words {
    code: "ar",
    direction: "rtl",
    product: "تعبئة",
    to_pay: "المبلغ",
    stock: "قيمة الرصيد",
    reference: "المرجع",
    pay: "الانتقال إلى صفحة الدفع",
    pay_after_all: "لم أدفع بعد",
    back: "العودة إلى المتجر",
    languages: "اللغة",
    marks: (NARROW_SPACE, ','),
    stage: |stage| match stage {
        Stage::Working => ("جارٍ معالجة الدفع", "ننتظر جواب البنك. تُحدَّث هذه الصفحة تلقائيًا."),
        Stage::ToPay => ("ادفع ببطاقتك", "تنتقل إلى صفحة الدفع الآمنة للبنك. لا تكتب رقم بطاقتك إلا هناك."),
        Stage::Returned => ("ننتظر تأكيد البنك", "إذا كنت قد دفعت فلا تدفع مرة أخرى. تُحدَّث هذه الصفحة تلقائيًا."),
        Stage::Late => ("انتهت مهلة الدفع", "نتأكد من أن البنك لم يسحب أي مبلغ. تُحدَّث هذه الصفحة تلقائيًا."),
        Stage::InDoubt => ("نتحقق من الدفع", "لم يصلنا جواب واضح من البنك. لا تدفع مرة أخرى؛ ستظهر النتيجة هنا."),
        Stage::Taken => ("وصل المبلغ", "سيضاف الرصيد بعد قليل. لا تدفع مرة أخرى."),
        Stage::Credited => ("تم الدفع", "أضيف الرصيد."),
        Stage::Declined => ("لم يُقبل الدفع", "لم يُضف أي رصيد. يمكن طلب دفع جديد."),
        Stage::Expired => ("انتهت صلاحية الدفع", "لم يُدفع المبلغ في المهلة المحددة. يمكن طلب دفع جديد."),
        Stage::Refunded => ("أعيد المبلغ", "أعيد المبلغ إلى البطاقة. قد يستغرق ظهوره في الحساب بضعة أيام."),
        Stage::ChargedBack => ("استُرجع المبلغ", "استرجع بنك صاحب البطاقة المبلغ."),
        Stage::Unknown => ("لا يوجد دفع بهذا الرابط", "تحقق من الرابط، أو اطلب رابطًا جديدًا من البائع."),
        Stage::Busy => ("لحظة من فضلك", "هناك طلبات كثيرة. تُحدَّث هذه الصفحة تلقائيًا."),
    },
};

static FRENCH: Words = Words {
    code: "fr",
    direction: "ltr",
    product: "Taabia",
    to_pay: "Montant",
    stock: "Valeur du stock",
    reference: "Référence",
    pay: "Aller à la page de paiement",
    pay_after_all: "Je n’ai pas encore payé",
    back: "Retour à la boutique",
    languages: "Langue",
    marks: (NARROW_SPACE, ','),
    stage: |stage| match stage {
        Stage::Working => {
            ("Paiement en cours", "Nous attendons la réponse de la banque. Cette page se met à jour toute seule.")
        }
        Stage::ToPay => (
            "Payez par carte",
            "Vous allez sur la page de paiement sécurisée de la banque. N’écrivez votre numéro de carte que là.",
        ),
        Stage::Returned => (
            "Nous attendons la confirmation de la banque",
            "Si vous avez payé, ne payez pas une seconde fois. Cette page se met à jour toute seule.",
        ),
        Stage::Late => (
            "Le délai de paiement est passé",
            "Nous vérifions que la banque n’a rien prélevé. Cette page se met à jour toute seule.",
        ),
        Stage::InDoubt => (
            "Nous vérifions le paiement",
            "La banque n’a pas répondu clairement. Ne payez pas une seconde fois : le résultat s’affichera ici.",
        ),
        Stage::Taken => ("Paiement reçu", "Le stock arrive sous peu. Ne payez pas une seconde fois."),
        Stage::Credited => ("Paiement effectué", "Le stock est crédité."),
        Stage::Declined => ("Paiement refusé", "Aucun stock n’a été crédité. Un nouveau paiement peut être demandé."),
        Stage::Expired => {
            ("Paiement expiré", "Rien n’a été payé dans le délai. Un nouveau paiement peut être demandé.")
        }
        Stage::Refunded => {
            ("Paiement remboursé", "Le montant est rendu à la carte. Il peut mettre quelques jours à y paraître.")
        }
        Stage::ChargedBack => ("Paiement contesté", "La banque du titulaire de la carte a repris le montant."),
        Stage::Unknown => ("Aucun paiement à cette adresse", "Vérifiez le lien, ou demandez-en un nouveau au vendeur."),
        Stage::Busy => ("Un instant", "Il y a beaucoup de demandes. Cette page se met à jour toute seule."),
    },
};

static ENGLISH: Words = Words {
    code: "en",
    direction: "ltr",
    product: "Taabia",
    to_pay: "Amount",
    stock: "Value of the stock",
    reference: "Reference",
    pay: "Go to the payment page",
    pay_after_all: "I have not paid yet",
    back: "Back to the shop",
    languages: "Language",
    marks: (',', '.'),
    stage: |stage| match stage {
        Stage::Working => ("Payment under way", "We are waiting for the bank’s answer. This page updates itself."),
        Stage::ToPay => ("Pay by card", "You go to the bank’s secure payment page. Type your card number only there."),
        Stage::Returned => (
            "Waiting for the bank’s confirmation",
            "If you have paid, do not pay a second time. This page updates itself.",
        ),
        Stage::Late => {
            ("The time to pay is over", "We are making sure that the bank took nothing. This page updates itself.")
        }
        Stage::InDoubt => (
            "We are checking the payment",
            "The bank gave no clear answer. Do not pay a second time: the outcome will show here.",
        ),
        Stage::Taken => ("Payment received", "The stock will come shortly. Do not pay a second time."),
        Stage::Credited => ("Payment complete", "The stock has been credited."),
        Stage::Declined => ("Payment declined", "No stock was credited. A new payment can be asked for."),
        Stage::Expired => ("Payment expired", "Nothing was paid in time. A new payment can be asked for."),
        Stage::Refunded => {
            ("Payment refunded", "The amount goes back to the card. It may take a few days to show there.")
        }
        Stage::ChargedBack => ("Payment disputed", "The cardholder’s bank took the amount back."),
        Stage::Unknown => ("No payment at this address", "Check the link, or ask the seller for a new one."),
        Stage::Busy => ("One moment", "There are many requests. This page updates itself."),
    },
};

/// Of its ISO 639-1 code.
fn language_of(tag: &str) -> Option<PageLanguage> {
    let primary = tag.split('-').next().unwrap_or_default().trim();
    LANGUAGES.map(|(language, _)| language).into_iter().find(|language| primary.eq_ignore_ascii_case(language.code()))
}

/// What the address asks for, else what the browser prefers (RFC 9110 §12.5.4), else French.
pub fn chosen(wanted: Option<&str>, headers: &HeaderMap) -> PageLanguage {
    let preferred = || {
        let accepted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        let mut best: Option<(f32, PageLanguage)> = None;
        for range in accepted.split(',') {
            let (tag, weight) = range.split_once(';').map_or((range, None), |(tag, weight)| (tag, Some(weight)));
            let weight = weight.and_then(|weight| weight.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f32);
            if let Some(language) = language_of(tag)
                && weight > best.map_or(0.0, |(best, _)| best)
            {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    };
    wanted.and_then(language_of).or_else(preferred).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_asked_before_the_browser() {
        let language = |wanted: Option<&str>, accepted: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
            chosen(wanted, &headers).code()
        };
        for (wanted, accepted, code) in [
            (Some("ar"), "en", "ar"),
            (Some("EN"), "fr", "en"),
            (Some("de"), "en-GB,en;q=0.9", "en"),
            (None, "ar-MA,fr;q=0.8", "ar"),
            (None, "de, en;q=0.3, fr;q=0.7", "fr"),
            (None, "en;q=0, de", "fr"),
            (None, "en;q=nonsense, ar;q=0.1", "en"),
            (None, "*", "fr"),
            (None, ";;;,,q=", "fr"),
        ] {
            assert_eq!(language(wanted, accepted), code, "{wanted:?} {accepted}");
        }
    }
}
