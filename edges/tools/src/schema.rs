//! Types that a model can be asked for: their JSON schema, and how a value is read. Reading is strict: a number in
//! quotes is a text.
use crate::{Arguments, Misfit};
use serde_json::{Value, json};

/// A type that can be an argument of a tool.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a tool",
    label = "a model cannot be asked for this",
    note = "use `String`, `bool`, an integer, a float, `Vec<T>`, `Option<T>`, or implement `tools::Schema` for it"
)]
pub trait Schema: Sized {
    /// Returns the JSON schema.
    fn schema() -> Value;

    /// Reads a value.
    ///
    /// # Errors
    /// What was expected instead, with its article.
    fn read(value: &Value) -> Result<Self, String>;

    /// Returns what a missing argument means; `None` when it must be there.
    fn absent() -> Option<Self> {
        None
    }
}

impl Schema for String {
    fn schema() -> Value {
        json!({ "type": "string" })
    }
    fn read(value: &Value) -> Result<Self, String> {
        value.as_str().map(str::to_owned).ok_or_else(|| "a text".to_owned())
    }
}

impl Schema for bool {
    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
    fn read(value: &Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| "true or false".to_owned())
    }
}

macro_rules! integer {
    ($expected:expr; $($t:ty),*) => { $(
        impl Schema for $t {
            fn schema() -> Value {
                if <$t>::MIN == 0 { json!({ "type": "integer", "minimum": 0 }) } else { json!({ "type": "integer" }) }
            }
            fn read(value: &Value) -> Result<Self, String> {
                let whole = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
                whole.and_then(|n| <$t>::try_from(n).ok()).ok_or_else(|| $expected.to_owned())
            }
        }
    )* };
}
integer!("a whole number from 0"; u8, u16, u32, u64);
integer!("a whole number"; i8, i16, i32, i64);

impl Schema for f64 {
    fn schema() -> Value {
        json!({ "type": "number" })
    }
    fn read(value: &Value) -> Result<Self, String> {
        value.as_f64().ok_or_else(|| "a number".to_owned())
    }
}

impl<T: Schema> Schema for Option<T> {
    fn schema() -> Value {
        T::schema()
    }
    fn read(value: &Value) -> Result<Self, String> {
        if value.is_null() { Ok(None) } else { T::read(value).map(Some) }
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Schema> Schema for Vec<T> {
    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema() })
    }
    fn read(value: &Value) -> Result<Self, String> {
        let items = value.as_array().ok_or_else(|| "a list".to_owned())?;
        let item =
            |(at, item)| T::read(item).map_err(|expected| format!("a list whose item {at} is {expected}"));
        items.iter().enumerate().map(item).collect()
    }
}

/// An argument as the schema names it.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it means, for the model.
    pub description: &'static str,
    /// The schema of its type.
    pub schema: Value,
    /// Whether it must be there.
    pub is_required: bool,
}

impl Field {
    /// Returns the schema with the description in it.
    pub(crate) fn described(&self) -> Value {
        let mut schema = self.schema.clone();
        if let Some(object) = schema.as_object_mut() {
            object.insert("description".to_owned(), self.description.into());
        }
        schema
    }
}

/// How `#[tool]` handles an argument of a type. Only making one asks for the type's schema, so that a type without
/// one is reported once.
#[derive(Debug)]
pub struct Parameter<T> {
    name: &'static str,
    description: &'static str,
    schema: fn() -> Value,
    read: fn(&Value) -> Result<T, String>,
    absent: fn() -> Option<T>,
}

impl<T> Parameter<T> {
    /// Names an argument and says what it means.
    pub fn new(name: &'static str, description: &'static str) -> Parameter<T>
    where
        T: Schema,
    {
        Parameter { name, description, schema: T::schema, read: T::read, absent: T::absent }
    }

    /// Describes the argument.
    pub fn field(&self) -> Field {
        Field {
            name: self.name,
            description: self.description,
            schema: (self.schema)(),
            is_required: (self.absent)().is_none(),
        }
    }

    /// Says whether the argument is there, if it must be, and fits.
    ///
    /// # Errors
    /// What is wrong, by name.
    pub fn check(&self, arguments: &Arguments) -> Result<(), Misfit> {
        self.read(arguments).map(drop)
    }

    /// Reads the argument.
    ///
    /// # Errors
    /// What is wrong, by name.
    pub fn read(&self, arguments: &Arguments) -> Result<T, Misfit> {
        let name = self.name;
        let Some(value) = arguments.get(name) else {
            return (self.absent)().ok_or(Misfit::Missing { name });
        };
        let found = || crate::arguments::kind_of(value);
        (self.read)(value).map_err(|expected| Misfit::Wrong { name, expected, found: found() })
    }
}
