//! Shapes of structs and enums on the wire: a struct is its fields in order, an enum a tag and one value. A tag is written
//! down beside its variant and never used again for another.

/// Declares structs that are sent as their fields in order.
macro_rules! wire_structs {
    ($($(#[$meta:meta])* struct $name:ident { $($(#[$about:meta])* $field:ident: $type:ty,)* })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name { $($(#[$about])* pub $field: $type,)* }

        impl $crate::Wire for $name {
            fn put(&self, _out: &mut Vec<u8>) {
                $($crate::Wire::put(&self.$field, _out);)*
            }

            fn take(_bytes: &mut &[u8]) -> Result<Self, $crate::Unreadable> {
                Ok($name { $($field: $crate::Wire::take(_bytes)?,)* })
            }
        }
    )+};
}

/// Declares an enum of plain tags.
macro_rules! wire_tags {
    ($(#[$meta:meta])* enum $name:ident { $($(#[$about:meta])* $tag:literal $variant:ident,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$about])* $variant,)+ }

        impl $crate::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                out.push(match self { $($name::$variant => $tag,)+ });
            }

            fn take(bytes: &mut &[u8]) -> Result<Self, $crate::Unreadable> {
                match <u8 as $crate::Wire>::take(bytes)? {
                    $($tag => Ok($name::$variant),)+
                    tag => Err($crate::Unreadable::Tag { what: stringify!($name), tag }),
                }
            }
        }
    };
}

/// Declares an enum whose variants hold one value each.
macro_rules! wire_enum {
    ($(#[$meta:meta])* enum $name:ident { $($(#[$about:meta])* $tag:literal $variant:ident($type:ty),)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name { $($(#[$about])* $variant($type),)+ }

        impl $name {
            /// Returns the tag that stands for the variant.
            pub fn tag(&self) -> u8 {
                match self { $($name::$variant(_) => $tag,)+ }
            }

            fn put_value(&self, out: &mut Vec<u8>) {
                match self { $($name::$variant(value) => $crate::Wire::put(value, out),)+ }
            }

            fn take_value(tag: u8, bytes: &mut &[u8]) -> Result<Self, $crate::Unreadable> {
                match tag {
                    $($tag => <$type as $crate::Wire>::take(bytes).map($name::$variant),)+
                    tag => Err($crate::Unreadable::Tag { what: stringify!($name), tag }),
                }
            }
        }

        impl $crate::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                out.push(self.tag());
                self.put_value(out);
            }

            fn take(bytes: &mut &[u8]) -> Result<Self, $crate::Unreadable> {
                let tag = <u8 as $crate::Wire>::take(bytes)?;
                $name::take_value(tag, bytes)
            }
        }
    };
}
