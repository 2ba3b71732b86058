//! Model APIs behind one port; here the built-in rehearsal model.
