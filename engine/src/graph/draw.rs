//! Drawings of a table: Mermaid and DOT.
