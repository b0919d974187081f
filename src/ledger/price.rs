//! What stock costs.

use crate::domain::Price;

/// The price of stock for a reseller, VAT included: face value.
#[must_use]
pub fn of_stock(face_minor: i64) -> i64 {
    face_minor
}

/// Takes a price that contains VAT apart. The net is rounded half to even; the VAT is the rest, so nothing is lost.
#[must_use]
pub fn taken_apart(price_minor: i64, vat_basis_points: i64) -> Price {
    const WHOLE: i128 = 10_000;
    let gross = WHOLE + i128::from(vat_basis_points.max(0));
    let scaled = i128::from(price_minor) * WHOLE;
    let (down, rest) = (scaled.div_euclid(gross), scaled.rem_euclid(gross));
    let up = rest * 2 > gross || (rest * 2 == gross && down % 2 == 1);
    let net_minor = i64::try_from(down + i128::from(up)).expect("a net price is not above the price");
    Price { net_minor, vat_minor: price_minor - net_minor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vat_is_within_the_price() {
        for (price, rate, net, vat) in [
            (95_000, 2_000, 79_167, 15_833),
            (120, 2_000, 100, 20),
            (1, 2_000, 1, 0),
            (0, 2_000, 0, 0),
            (100, 0, 100, 0),
            // A half to the even neighbour, either way.
            (3, 10_000, 2, 1),
            (1, 10_000, 0, 1),
            (i64::MAX, 2_000, 7_686_143_364_045_646_506, 1_537_228_672_809_129_301),
        ] {
            assert_eq!(taken_apart(price, rate), Price { net_minor: net, vat_minor: vat }, "{price} at {rate}");
        }
    }
}
