//! Criterion's clock for benches of one thread: its CPU time, which other work on the machine hardly lengthens.

use std::time::{Duration, Instant};

use criterion::Criterion;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};

/// CPU time of this thread; where the system does not tell it, the clock's.
pub(crate) struct ThreadTime {
    start: Instant,
    wall: WallTime,
}

/// Criterion with this clock.
pub(crate) fn criterion() -> Criterion<ThreadTime> {
    let time = ThreadTime { start: Instant::now(), wall: WallTime };
    Criterion::default().with_measurement(time)
}

impl ThreadTime {
    fn now(&self) -> Duration {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
        let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
        nanos.map_or_else(|| self.start.elapsed(), Duration::from_nanos)
    }
}

impl Measurement for ThreadTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        self.now()
    }

    fn end(&self, start: Duration) -> Duration {
        self.now().saturating_sub(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        self.wall.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self.wall.formatter()
    }
}
