//! Row i, from i alone.
//!
//! A random walk needs all steps before the one that is asked for. This one does not: a price is the sum of noise at
//! [`OCTAVES`] time scales, each scale twice as slow as the one before and √2 times as strong, which is how the spread of
//! a random walk grows with time. All arithmetic is on integers, so that every machine gives the same bytes.

use crate::config::TicksConfig;

/// Time scales of 1, 2, 4 … 65536 intervals.
const OCTAVES: usize = 17;

/// The strength of each scale: 1000 · √2^octave.
const STRENGTH: [i64; OCTAVES] = [
    1_000, 1_414, 2_000, 2_828, 4_000, 5_657, 8_000, 11_314, 16_000, 22_627, 32_000, 45_255, 64_000, 90_510, 128_000,
    181_019, 256_000,
];

/// What the noise of all scales is divided by: at most 3 tenths of the mean price remain, about 4 hundredths of a percent
/// from one row to the next.
const CALM: i64 = 95_000_000_000;

/// The constant of the SplitMix64 generator (Steele, Lea and Flood 2014): 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The rows of one config.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    symbols: Vec<Symbol>,
    start_millis: i64,
    interval_millis: i64,
}

/// What stays the same in all rows of a symbol.
#[derive(Clone, Debug)]
pub(crate) struct Symbol {
    pub(crate) name: String,
    key: u64,
    /// In cents.
    mean_price: i64,
    /// Shares in an interval.
    mean_volume: u64,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    /// In milliseconds since 1970.
    pub(crate) event_time: i64,
    /// In cents, as the three below.
    pub(crate) open: i64,
    pub(crate) high: i64,
    pub(crate) low: i64,
    pub(crate) close: i64,
    /// In shares.
    pub(crate) volume: i64,
    pub(crate) trades: i64,
    /// In hundredths of a cent.
    pub(crate) vwap: i64,
}

impl Walk {
    /// The rows of a config that was found right.
    pub(crate) fn new(config: &TicksConfig, start_millis: i64) -> Self {
        let symbols = (0..config.symbols).map(|number| Symbol::new(config.seed, number)).collect();
        Self { symbols, start_millis, interval_millis: config.interval_millis() }
    }

    /// How many symbols there are. Row i is one of symbol i modulo this.
    pub(crate) fn symbols(&self) -> u64 {
        self.symbols.len() as u64
    }

    /// The row `row`, and the symbol that it is one of.
    pub(crate) fn row(&self, row: u64) -> (&Symbol, Tick) {
        let (interval, symbol) = (row / self.symbols(), row % self.symbols());
        let symbol = &self.symbols[symbol as usize];
        let event_time = self.start_millis + interval as i64 * self.interval_millis;
        (symbol, symbol.tick(interval, event_time))
    }
}

impl Symbol {
    fn new(seed: u64, number: u32) -> Self {
        let key = mix(mix(seed).wrapping_add(u64::from(number)));
        let of = |what: u64| mix(key ^ what);
        Self {
            name: format!("SYM{:03}", number + 1),
            key,
            mean_price: 2_000 + (of(1) % 48_000) as i64,
            mean_volume: 500 + of(2) % 20_000,
        }
    }

    fn tick(&self, interval: u64, event_time: i64) -> Tick {
        let (open, close) = (self.price(interval), self.price(interval + 1));
        // One random number, of which each of the values below has bits of its own.
        let chance = mix(self.key.wrapping_sub(interval.wrapping_mul(GOLDEN)));
        let share = |bits: u32, of: i64| (((chance >> bits) & 0xFFF) as i64 * of) >> 12;

        let longest_wick = 1 + self.mean_price / 1_000;
        let high = open.max(close) + share(0, longest_wick);
        let low = open.min(close) - share(12, longest_wick);
        let volume = 1 + share(24, 2 * self.mean_volume as i64);
        let trades = 1 + share(36, volume / 10);
        let vwap = low * 100 + share(48, (high - low) * 100 + 1);
        Tick { event_time, open, high, low, close, volume, trades, vwap }
    }

    /// The price at the beginning of an interval, in cents.
    fn price(&self, interval: u64) -> i64 {
        let noise: i64 = (0..OCTAVES).map(|octave| STRENGTH[octave] * self.noise(octave, interval)).sum();
        self.mean_price + self.mean_price * noise / CALM
    }

    /// Noise of one scale, from -32768 to 32767: random at every 2^octave-th interval, on a straight line between.
    fn noise(&self, octave: usize, interval: u64) -> i64 {
        let key = self.key ^ (octave as u64) << 56;
        let random = |corner: u64| (mix(key.wrapping_add(corner.wrapping_mul(GOLDEN))) >> 48) as i64 - 32_768;
        let (corner, beyond) = (interval >> octave, (interval & ((1 << octave) - 1)) as i64);
        let from = random(corner);
        match beyond {
            0 => from,
            _ => from + (((random(corner + 1) - from) * beyond) >> octave),
        }
    }
}

/// The finalizer of SplitMix64: every bit of the result depends on every bit of `x`.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(GOLDEN);
    let x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ x >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(seed: u64) -> Walk {
        let config = TicksConfig {
            symbols: 3,
            rows: None,
            rate: None,
            seed,
            start: String::new(),
            interval: pipeline_api::HumanDuration::seconds(1),
        };
        Walk::new(&config, 1_767_364_200_000)
    }

    #[test]
    fn every_row_is_a_possible_one() {
        let walk = walk(7);
        for row in (0..30_000).chain(1 << 40..(1 << 40) + 30_000) {
            let (symbol, tick) = walk.row(row);
            assert!(tick.low > 0 && tick.low <= tick.open.min(tick.close), "{tick:?}");
            assert!(tick.high >= tick.open.max(tick.close) && tick.high < 100_000, "{tick:?}");
            assert!((tick.low * 100..=tick.high * 100).contains(&tick.vwap), "{tick:?}");
            assert!(tick.trades >= 1 && tick.trades <= tick.volume && tick.volume <= i64::from(i32::MAX), "{tick:?}");
            assert!((tick.open - symbol.mean_price).abs() * 10 <= symbol.mean_price * 3 + 10, "{tick:?}");
        }
    }

    #[test]
    fn a_symbol_goes_on_where_it_closed() {
        let walk = walk(1);
        for row in 0..10_000 {
            assert_eq!(walk.row(row).1.close, walk.row(row + 3).1.open);
            assert_eq!(walk.row(row).1.event_time + 1_000, walk.row(row + 3).1.event_time);
        }
    }

    #[test]
    fn it_spreads_with_time_as_a_random_walk_does() {
        let walk = walk(3);
        let spread = |distance: u64| {
            let squares = (0..20_000u64).map(|interval| {
                let moved = walk.symbols[0].price(interval + distance) - walk.symbols[0].price(interval);
                (moved * moved) as f64
            });
            (squares.sum::<f64>() / 20_000.0).sqrt()
        };
        let ratio = spread(1024) / spread(64);
        assert!((2.5..6.5).contains(&ratio), "16 times the time spreads about 4 times as far, not {ratio}");
    }

    #[test]
    fn another_seed_is_another_walk() {
        assert_ne!(walk(0).row(5).1, walk(1).row(5).1);
        assert_eq!(walk(0).row(5).1, walk(0).row(5).1);
    }
}
