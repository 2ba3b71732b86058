//! Every kind of argument, and none.
use serde_json::{Value, json};
use tools::{Schema, Tool};
use tools::{Context, Failure, tool};

struct Celsius(f64);
impl Schema for Celsius {
    fn schema() -> Value {
        json!({ "type": "number" })
    }
    fn read(value: &Value) -> Result<Self, String> {
        f64::read(value).map(Celsius)
    }
}

/// Sets the oven.
#[tool(tier = side_effecting, recovery = opaque, timeout = 60s)]
async fn oven_set(
    _context: &Context,
    /// How hot.
    heat: Celsius,
    /// For how many minutes.
    minutes: Option<u32>,
    /// What is in it.
    dishes: Vec<String>,
    /// Whether to blow.
    fan: bool,
) -> Result<String, Failure> {
    Ok(format!("{} {minutes:?} {dishes:?} {fan}", heat.0))
}

/// Says the time.
#[tool(tier = read_only, recovery = pure, timeout = 1s)]
async fn clock(_context: &Context) -> Result<String, Failure> {
    Ok("noon".to_owned())
}

/// Names an argument as the macro names its own.
#[tool(tier = read_only, recovery = pure, timeout = 1s)]
async fn odd_names(
    _context: &Context,
    /// One.
    parameters: String,
    /// Two.
    arguments: String,
    /// Three.
    context: String,
) -> Result<String, Failure> {
    Ok(parameters + &arguments + &context)
}

/// Turns the light on.
#[tool(tier = workspace, recovery = probeable, probe = looks, timeout = 1s)]
async fn light(
    _context: &Context,
    /// Which.
    look: String,
    /// How bright.
    before: Option<u32>,
) -> Result<String, Failure> {
    Ok(format!("{look} {before:?}"))
}

mod looks {
    use tools::{Evidence, Failure, Found, Look};

    pub(super) async fn evidence(_: &Look, which: String, _: Option<u32>) -> Result<Evidence, Failure> {
        Ok(Evidence { before: Some("off".to_owned()), after: Some(which) })
    }
    pub(super) async fn probe(_: &Look, before: &Evidence, _: String, _: Option<u32>) -> Result<Found, Failure> {
        Ok(if before.after.is_some() { Found::NotYet } else { Found::Unknown })
    }
}

fn main() {
    let _ = (OddNames, Light);
    let spec = OvenSet.head().spec();
    assert!(spec.parameters.as_str().contains("\"required\":[\"heat\",\"dishes\",\"fan\"]"));
    assert_eq!(Clock.head().name, "clock");
}
