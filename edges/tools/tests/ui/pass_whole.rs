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

fn main() {
    let _ = OddNames;
    let spec = OvenSet.head().spec();
    assert!(spec.parameters.as_str().contains("\"required\":[\"heat\",\"dishes\",\"fan\"]"));
    assert_eq!(Clock.head().name, "clock");
}
