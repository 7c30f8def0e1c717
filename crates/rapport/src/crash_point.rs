//! Points at which a test may end the process, as a kill there would. Without the feature `failpoints` they are nothing.

macro_rules! crash_point {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        fail::fail_point!($name, |_| {
            eprintln!(concat!("crashed at ", $name));
            std::process::abort()
        });
    };
}
