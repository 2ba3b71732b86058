//! Configuration: defaults, files, environment; errors that name key, file and line.
