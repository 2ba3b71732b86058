//! #[tool]: a tool's schema from its function and doc comment.
