//! Catalogues from files, and the first place that is wrong with them.

use taabia::domain::catalogue::{BenefitKind, Catalogue, Import, PayIn, RuleKind};
use taabia::domain::{Currency, Timestamp};
use taabia::services::catalogue::{Format, parse};

const SAMPLE: &str = include_str!("../config/catalogue.morocco.toml");

fn read(text: &str, format: Format) -> Result<Import, String> {
    let zone = jiff::tz::TimeZone::get("Africa/Casablanca").unwrap();
    parse(text.as_bytes(), format, Currency::MAD, &zone).map_err(|error| error.to_string())
}

#[test]
fn the_sample_for_morocco_fits_and_sells_the_usual_denominations() {
    let import = read(SAMPLE, Format::Toml).unwrap();
    let at = Timestamp::parse("2026-11-22T08:00:00Z").unwrap();
    let catalogue = Catalogue::default().with(&import, at).unwrap().unwrap();
    for dirhams in [5, 10, 20, 25, 30, 50, 100, 200, 300, 500] {
        assert!(catalogue.offer("recharge", dirhams * 100, at).is_ok(), "{dirhams}");
    }
    assert!(catalogue.offer("recharge", 1_500, at).is_err());
    assert!(catalogue.offer("airtime", 1_501, at).is_ok() && catalogue.offer("airtime", 50_001, at).is_err());
    let pass = catalogue.offer("pass-hour", 500, at).unwrap();
    assert_eq!((pass.validity().as_deref(), pass.benefits[0].kind), (Some("PT1H"), BenefitKind::Data));
    assert!(catalogue.has_commissions());
}

#[test]
fn tables_say_the_same_as_toml() {
    let products = "\u{feff}product,name,kind,offer,amount,amount_to,benefits,validity,from,until\r\n\
        *3,Pass Internet,benefit,\"Pass, 1 Go\",10.00,,data:1024;sms:10,7d,2026-12-01,\r\n\
        *3,,,Pass 2 Go,20,,data:2048,14d,,2027-01-01T00:00:00Z\r\n\
        airtime,Recharge libre,open_range,,5.00,500.00,,,,\r\n\
        gone,Old,pass,,,,,,,\r\n";
    let import = read(products, Format::Csv).unwrap();
    assert_eq!(import.products.iter().map(|product| product.offers.len()).collect::<Vec<_>>(), [2, 1, 0]);
    let offer = &import.products[0].offers[0];
    assert_eq!((&*offer.name, offer.min_minor, offer.max_minor), ("Pass, 1 Go", 1_000, 1_000));
    // Midnight in Casablanca, which is an hour ahead.
    assert_eq!(offer.period.from, Timestamp::parse("2026-11-30T23:00:00Z").unwrap());
    let rules = "rule,kind,level,product,channel,amount,amount_to,rate,pay_in,from\n\
        outlet,commission,outlet,*3,atm,10.00,20.00,2.5,stock,\nvat,vat,,,,,,20,,\n";
    let import = read(rules, Format::Csv).unwrap();
    assert_eq!((import.rules[0].kind, import.rules[0].pay_in), (RuleKind::Commission, Some(PayIn::Stock)));
    assert_eq!(import.rules[0].amounts.unwrap().max_minor, 2_000);
    assert_eq!(import.rules[1].rate.to_string(), "20");
}

#[test]
fn the_first_place_that_is_wrong_is_named() {
    let product = "[[product]]\ncode=\"p\"\nname=\"P\"\nkind=\"pass\"\n";
    for (text, expected) in [
        ("[[product]]\ncode = 1\n", "line 2: invalid type"),
        ("[[produkt]]\n", "line 1: unknown field"),
        ("[[product]]\ncode=\"P!\"\nname=\"P\"\nkind=\"pass\"\n", "product P!, code: expected a code"),
        ("[[product]]\ncode=\"p\"\nname=\"P\"\nkind=\"x\"\n", "product p, kind: expected one of open_range"),
        (&format!("{product}[[product.offer]]\namount=\"5.001\"\n"), "product p, amount: expected no more decimals"),
        (&format!("{product}[[product.offer]]\n"), "product p, amount: expected an amount"),
        (&format!("{product}[[product.offer]]\namount=\"5\"\nvalidity=\"0d\"\n"), "product p, validity: expected"),
        (&format!("{product}[[product.offer]]\namount=\"5\"\nbenefits=[\"x:1\"]\n"), "product p, benefits: expected"),
        (&format!("{product}[[product.offer]]\namount=\"5\"\nfrom=\"tomorrow\"\n"), "product p, from: expected a date"),
        ("[[rule]]\ncode=\"r\"\nkind=\"vat\"\nrate=\"101\"\n", "rule r, rate: expected a percentage"),
    ] {
        let error = read(text, Format::Toml).unwrap_err();
        assert!(error.starts_with(expected), "{text}\n{error}");
    }
    for (text, expected) in [
        ("", "line 1: "),
        ("a,b\n", "line 1: a is no column"),
        ("product,name,kind,amount\np,P,pass\n", "line 2: expected as many cells"),
        ("product,name,kind,amount\np,P,pass,5\nq,,,6\n", "line 3, column name: expected a value"),
        ("product,name,kind,amount\n\"p q\",P,pass,5\n", "line 2, column product: expected a code"),
        ("rule,kind,rate\nr,vat,x\n", "line 2, column rate: expected a percentage"),
        ("rule,kind,rate,level\nR,vat,1,\n", "line 2, column rule: expected a code"),
    ] {
        let error = read(text, Format::Csv).unwrap_err();
        assert!(error.starts_with(expected), "{text}\n{error}");
    }
    let zone = jiff::tz::TimeZone::UTC;
    let error = parse(b"rule,kind\nr\xff,vat\n", Format::Csv, Currency::MAD, &zone).unwrap_err();
    assert_eq!(error.to_string(), "line 2: expected UTF-8");
    assert!(parse(&vec![b' '; 17 << 20], Format::Toml, Currency::MAD, &zone).is_err());
    assert_eq!(Format::of_name("a.b/c.CSV"), Some(Format::Csv));
    assert_eq!(Format::of_name("catalogue"), None);
}
