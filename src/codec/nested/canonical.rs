//! When two encoded values are one: others may have written a set or map within a frozen value in another order, or a user type before
//! a field was added to it. Works on what a server sends, which may be anything.

use super::parts::parts;
use super::{begin_count, order, set_len};
use crate::codec::vint;
use crate::schema::types::CqlType;

/// The bytes that this crate would send for the value of these bytes; `None` where they are no value of the type.
pub(crate) fn canonical(cql_type: &CqlType, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    append(cql_type, bytes, &mut out)?;
    Some(out)
}

/// Whether the value is kept as null: a list, set or map that is not frozen and has no elements, or a user type that is not frozen and
/// whose fields are all null, has no cell.
pub(crate) fn is_kept_as_null(cql_type: &CqlType, bytes: &[u8]) -> bool {
    cql_type.is_multi_cell()
        && parts(cql_type, bytes).is_some_and(|parts| parts.iter().all(|(_, part)| part.is_none()))
}

fn append(cql_type: &CqlType, bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (key_type, per_entry) = match cql_type {
        CqlType::List(_) | CqlType::Tuple(_) | CqlType::User(_) | CqlType::Vector(_) => (None, 1),
        CqlType::Set(set) => (Some(&*set.of), 1),
        CqlType::Map(map) => (Some(&*map.key), 2),
        _ => {
            out.extend_from_slice(bytes);
            return Some(());
        }
    };
    let parts = parts(cql_type, bytes)?;
    if let CqlType::Vector(vector) = cql_type {
        let is_fixed = vector.of.fixed_len().is_some();
        for (of, part) in parts {
            let room = (!is_fixed).then(|| vint::begin_len(out));
            append(of, part?, out)?;
            if let Some(room) = room {
                vint::set_len(out, room);
            }
        }
        return Some(());
    }
    let start = out.len();
    if !matches!(cql_type, CqlType::Tuple(_) | CqlType::User(_)) {
        begin_count(out);
        set_len(out, start, parts.len() / per_entry);
    }
    for (of, part) in parts {
        let Some(part) = part else {
            out.extend_from_slice(&super::NULL);
            continue;
        };
        let room = begin_count(out);
        append(of, part, out)?;
        let len = out.len() - room - 4;
        set_len(out, room, len);
    }
    if let Some(key_type) = key_type {
        order::sort(out, start, key_type, per_entry);
    }
    Some(())
}
