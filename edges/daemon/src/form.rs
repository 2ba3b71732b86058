//! In which form answers are wanted, and who says whether they have it: any, or JSON that fits a schema in a file. The file is
//! read and checked before anything is asked. Whether a model can is for `known`.
use config::{Config, Place, Problem, plain_text};
use domain::{AnswerForm, AnyForm, Gauge, Json};
use schema::Schema;
use std::{io, path::Path, sync::Arc};

/// Larger than any schema that a provider takes.
const SCHEMA_BYTES_MAX: u64 = 256 << 10;

/// The key that names the file.
pub(crate) const KEY: &str = "runtime.answer_schema";

/// The form that is wanted.
pub(crate) struct Form {
    /// What a model is told.
    pub(crate) wanted: AnswerForm,
    /// What its answers are held against.
    pub(crate) gauge: Arc<dyn Gauge>,
}

impl Form {
    /// Any form.
    pub(crate) fn any() -> Form {
        Form { wanted: AnswerForm::Free, gauge: Arc::new(AnyForm) }
    }

    /// Whether an answer has to have a form, so that nothing else may stand beside it.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted != AnswerForm::Free
    }
}

/// The form that a configuration asks for; `place` is where it does.
pub(crate) fn form_of(config: &Config, home: &Path, place: Place) -> Result<Form, Problem> {
    let Some(path) = &config.runtime.answer_schema else { return Ok(Form::any()) };
    let schema = read(&home.join(path)).map_err(|why| {
        let (key, path) = (KEY.to_owned(), path.clone());
        Problem::BadFile { key, place, path, why }
    })?;
    let wanted = AnswerForm::JsonSchema(Json::printed(schema.text()));
    Ok(Form { wanted, gauge: Arc::new(Held(schema)) })
}

/// Holds answers against a schema.
struct Held(Schema);

impl Gauge for Held {
    fn misfit(&self, answer: &str) -> Option<String> {
        self.0.misfits(answer)
    }
}

fn read(path: &Path) -> Result<Schema, String> {
    let text = plain_text(path, SCHEMA_BYTES_MAX).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => format!("is no schema that a provider takes: {error}"),
        // `ErrorKind` belongs to the standard library and grows.
        _ => format!("cannot be read: {error}"),
    })?;
    Schema::read(&text).map_err(|bad| bad.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_schema_is_an_object_in_a_file_that_can_be_read() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let file = place.path().join("schema.json");
        let said = |text: &str| {
            fs::write(&file, text).expect("it is written");
            read(&file).map(|schema| schema.text())
        };
        assert_eq!(said("{ \"type\": \"object\" }\n"), Ok(r#"{"type":"object"}"#.to_owned()));
        for (text, why) in [
            ("[]", "no JSON schema"),
            ("{", "is not JSON"),
            ("", "is not JSON"),
            (r#"{"type": "text"}"#, "at `#/type`"),
            (r#"{"$ref": "https://example.com/a.json"}"#, "nothing is fetched"),
        ] {
            assert!(said(text).is_err_and(|said| said.contains(why)), "{text}");
        }
        assert!(said(&" ".repeat(300 << 10)).is_err_and(|said| said.contains("262144 bytes")));
        assert!(read(&place.path().join("gone")).is_err_and(|said| said.contains("cannot be read")));
        assert!(read(place.path()).is_err_and(|said| said.contains("it is a directory")));
        assert!(read(Path::new("/dev/zero")).is_err_and(|said| said.contains("no plain file")));
    }
}
