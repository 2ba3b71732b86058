//! One turn of conversation as a typed state graph.
