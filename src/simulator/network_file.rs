//! A commercial network as a CSV file, with the regions of Morocco and names in French and Arabic.

use std::io::{self, Write};

/// Shape of the file's network; the same plan always gives the same file.
#[derive(Clone, Copy, Debug)]
pub struct NetworkFile {
    pub outlets: u32,
    pub distributors: u32,
    pub seed: u64,
}

/// Outlets below one wholesaler.
const OUTLETS_EACH: u32 = 25;

/// Name, name in Arabic, and the letters of its codes.
const REGIONS: [(&str, &str, &str); 12] = [
    ("Casablanca-Settat", "الدار البيضاء سطات", "CAS"),
    ("Rabat-Salé-Kénitra", "الرباط سلا القنيطرة", "RSK"),
    ("Marrakech-Safi", "مراكش آسفي", "MAR"),
    ("Fès-Meknès", "فاس مكناس", "FES"),
    ("Tanger-Tétouan-Al Hoceïma", "طنجة تطوان الحسيمة", "TTA"),
    ("Souss-Massa", "سوس ماسة", "SOU"),
    ("L'Oriental", "الشرق", "ORI"),
    ("Béni Mellal-Khénifra", "بني ملال خنيفرة", "BMK"),
    ("Drâa-Tafilalet", "درعة تافيلالت", "DRA"),
    ("Guelmim-Oued Noun", "كلميم واد نون", "GUE"),
    ("Laâyoune-Sakia El Hamra", "العيون الساقية الحمراء", "LAA"),
    ("Dakhla-Oued Ed-Dahab", "الداخلة وادي الذهب", "DAK"),
];

const SHOPS: [&str; 10] =
    ["Téléboutique", "Épicerie", "Tabac", "Librairie", "Café", "Kiosque", "Cyber", "Station", "محل", "بقالة"];

const SIGNS: [&str; 16] = [
    "Al Amal",
    "Essalam",
    "Atlas",
    "Al Baraka",
    "Ennour",
    "La Place",
    "Al Wifaq",
    "Chaouia",
    "الأمل",
    "السلام",
    "النور",
    "البركة",
    "الأطلس",
    "الوفاق",
    "الياسمين",
    "المسيرة",
];

impl NetworkFile {
    /// Resellers of all levels.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let wholesalers = self.outlets.div_ceil(OUTLETS_EACH);
        u64::from(self.distributors.min(wholesalers.max(1))) + u64::from(wholesalers) + u64::from(self.outlets)
    }

    /// Writes the heading and all rows, parents first.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut draws = Draws(self.seed);
        let wholesalers = self.outlets.div_ceil(OUTLETS_EACH);
        let distributors = self.distributors.clamp(1, wholesalers.max(1));
        writeln!(out, "code,name,level,parent_code")?;
        for d in 0..distributors {
            let (region, arabic, _) = region(d);
            let name = if d % 3 == 2 { format!("موزع {arabic}") } else { format!("Distribution {region}") };
            writeln!(out, "{},{name},distributor,", distributor_code(d))?;
        }
        for w in 0..wholesalers {
            let d = w % distributors;
            let (region, arabic, _) = region(d);
            let name = match draws.below(3) {
                0 => format!("مخزن {} {arabic}", draws.one_of(&SIGNS)),
                _ => format!("Grossiste {} - {region}", draws.one_of(&SIGNS)),
            };
            writeln!(out, "{},{name},wholesaler,{}", wholesaler_code(w, d), distributor_code(d))?;
        }
        for o in 0..self.outlets {
            let w = o / OUTLETS_EACH;
            let d = w % distributors;
            let (shop, sign) = (draws.one_of(&SHOPS), draws.one_of(&SIGNS));
            let wholesaler = wholesaler_code(w, d);
            // A cell with a comma is quoted, as spreadsheets write it.
            let name = if draws.below(20) == 0 {
                format!("\"{shop} {sign}, n° {}\"", 1 + draws.below(300))
            } else {
                format!("{shop} {sign} {}", o + 1)
            };
            writeln!(out, "{wholesaler}-O{:02},{name},outlet,{wholesaler}", 1 + o % OUTLETS_EACH)?;
        }
        Ok(())
    }
}

fn region(distributor: u32) -> (&'static str, &'static str, &'static str) {
    REGIONS[distributor as usize % REGIONS.len()]
}

fn distributor_code(d: u32) -> String {
    format!("{}-D{:02}", region(d).2, 1 + d)
}

fn wholesaler_code(w: u32, d: u32) -> String {
    format!("{}-W{:05}", distributor_code(d), 1 + w)
}

/// Numbers from a seed (splitmix64).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        let index = usize::try_from(self.below(texts.len() as u64)).expect("an index");
        texts[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: &NetworkFile) -> String {
        let mut out = Vec::new();
        file.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_file_has_its_rows_and_is_always_the_same() {
        let file = NetworkFile { outlets: 1_010, distributors: 12, seed: 1 };
        let written = text(&file);
        assert_eq!(written.lines().count() as u64, 1 + file.rows());
        assert_eq!(file.rows(), 12 + 41 + 1_010);
        assert_eq!(text(&file), written);
        assert_ne!(text(&NetworkFile { seed: 2, ..file }), written);
        let mut codes: Vec<_> = written.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len() as u64, file.rows());
        assert!(written.contains("محل") && written.contains("Téléboutique"));
    }
}
