//! The messages of BuildKit's API that ordinary builds send, field by field. The numbers are
//! BuildKit's (control.proto, gateway.proto, ops.proto, policy.proto). A field that is not
//! here is refused, as one of JSON would be.

use crate::proto::{Field, Kind, Message};

const fn one(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, many: false }
}
const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, kind, many: true }
}
const fn map(number: u32, name: &'static str, entry: &'static Message) -> Field {
    Field { number, name, kind: Kind::Map(entry), many: true }
}

macro_rules! message {
    ($id:ident, $name:literal, [$($field:expr),* $(,)?]) => {
        pub static $id: Message = Message { name: $name, fields: &[$($field),*] };
    };
}
use Kind::{Bytes, Number, Text};

message!(TEXTS, "map", [one(1, "key", Text), one(2, "value", Text)]);
message!(BYTES, "map", [one(1, "key", Text), one(2, "value", Bytes)]);
message!(FLAGS, "map", [one(1, "key", Text), one(2, "value", Number)]);

// Control.

message!(
    SOLVE,
    "SolveRequest",
    [
        one(1, "Ref", Text),
        one(2, "Definition", Kind::Message(&DEFINITION)),
        one(3, "Exporter", Text),
        map(4, "ExporterAttrs", &TEXTS),
        one(5, "Session", Text),
        one(6, "Frontend", Text),
        map(7, "FrontendAttrs", &TEXTS),
        one(8, "Cache", Kind::Message(&CACHE)),
        many(9, "Entitlements", Text),
        map(10, "FrontendInputs", &DEFINITIONS),
        one(11, "Internal", Number),
        one(12, "SourcePolicy", Kind::Message(&POLICY)),
        many(13, "Exporters", Kind::Message(&EXPORTER)),
        one(14, "EnableSessionExporter", Number),
    ]
);
message!(
    CACHE,
    "CacheOptions",
    [
        one(1, "ExportRef", Text),
        many(2, "ImportRefs", Text),
        map(3, "ExportAttrs", &TEXTS),
        many(4, "Exports", Kind::Message(&CACHE_ENTRY)),
        many(5, "Imports", Kind::Message(&CACHE_ENTRY)),
    ]
);
message!(CACHE_ENTRY, "CacheOptionsEntry", [one(1, "Type", Text), map(2, "Attrs", &TEXTS)]);
message!(EXPORTER, "Exporter", [one(1, "Type", Text), map(2, "Attrs", &TEXTS)]);
message!(STATUS, "StatusRequest", [one(1, "Ref", Text)]);
message!(LIST_WORKERS, "ListWorkersRequest", [many(1, "filter", Text)]);
message!(NOTHING, "empty request", []);
message!(
    LISTEN_HISTORY,
    "BuildHistoryRequest",
    [
        one(1, "ActiveOnly", Number),
        one(2, "Ref", Text),
        one(3, "EarlyExit", Number),
        many(4, "Filter", Text),
        one(5, "Limit", Number),
    ]
);
message!(
    UPDATE_HISTORY,
    "UpdateBuildHistoryRequest",
    [
        one(1, "Ref", Text),
        one(2, "Pinned", Number),
        one(3, "Delete", Number),
        one(4, "Finalize", Number),
    ]
);
message!(HEALTH, "HealthCheckRequest", [one(1, "service", Text)]);

// LLBBridge.

message!(
    BRIDGE_SOLVE,
    "LLBBridge.SolveRequest",
    [
        one(1, "Definition", Kind::Message(&DEFINITION)),
        one(2, "Frontend", Text),
        map(3, "FrontendAttrs", &TEXTS),
        many(4, "ImportCacheRefs", Text),
        one(5, "allowResultReturn", Number),
        one(6, "allowResultArrayRef", Number),
        one(10, "Final", Number),
        one(11, "ExporterAttr", Bytes),
        many(12, "CacheImports", Kind::Message(&CACHE_ENTRY)),
        map(13, "FrontendInputs", &DEFINITIONS),
        one(14, "Evaluate", Number),
        many(15, "SourcePolicies", Kind::Message(&POLICY)),
    ]
);
message!(
    RESOLVE_IMAGE,
    "ResolveImageConfigRequest",
    [
        one(1, "Ref", Text),
        one(2, "Platform", Kind::Message(&PLATFORM)),
        one(3, "ResolveMode", Text),
        one(4, "LogName", Text),
        one(5, "ResolverType", Number),
        one(6, "SessionID", Text),
        one(7, "StoreID", Text),
        many(8, "SourcePolicies", Kind::Message(&POLICY)),
    ]
);
message!(
    RESOLVE_SOURCE,
    "ResolveSourceMetaRequest",
    [
        one(1, "Source", Kind::Message(&SOURCE_OP)),
        one(2, "Platform", Kind::Message(&PLATFORM)),
        one(3, "LogName", Text),
        one(4, "ResolveMode", Text),
        many(8, "SourcePolicies", Kind::Message(&POLICY)),
    ]
);
message!(
    READ_FILE,
    "ReadFileRequest",
    [one(1, "Ref", Text), one(2, "FilePath", Text), one(3, "Range", Kind::Message(&FILE_RANGE)),]
);
message!(FILE_RANGE, "FileRange", [one(1, "Offset", Number), one(2, "Length", Number)]);
message!(
    READ_DIR,
    "ReadDirRequest",
    [one(1, "Ref", Text), one(2, "DirPath", Text), one(3, "IncludePattern", Text),]
);
message!(STAT_FILE, "StatFileRequest", [one(1, "Ref", Text), one(2, "Path", Text)]);
message!(EVALUATE, "EvaluateRequest", [one(1, "Ref", Text)]);
message!(
    WARN,
    "WarnRequest",
    [
        one(1, "digest", Text),
        one(2, "level", Number),
        one(3, "short", Bytes),
        many(4, "detail", Bytes),
        one(5, "url", Text),
        one(6, "info", Kind::Message(&SOURCE_INFO)),
        many(7, "ranges", Kind::Message(&RANGE)),
    ]
);
message!(
    RETURN,
    "ReturnRequest",
    [one(1, "result", Kind::Message(&RESULT)), one(2, "error", Kind::Message(&RPC_STATUS)),]
);
message!(
    RPC_STATUS,
    "Status",
    [one(1, "code", Number), one(2, "message", Text), many(3, "details", Kind::Message(&ANY)),]
);
message!(ANY, "Any", [one(1, "type_url", Text), one(2, "value", Bytes)]);
message!(
    RESULT,
    "Result",
    [
        one(1, "refDeprecated", Text),
        one(2, "refsDeprecated", Kind::Message(&OLD_REFS)),
        one(3, "ref", Kind::Message(&REF)),
        one(4, "refs", Kind::Message(&REFS)),
        map(10, "metadata", &BYTES),
        map(12, "attestations", &ATTESTATIONS_OF),
    ]
);
message!(OLD_REFS, "RefMapDeprecated", [map(1, "refs", &TEXTS)]);
message!(REF, "Ref", [one(1, "id", Text), one(2, "def", Kind::Message(&DEFINITION))]);
message!(REFS, "RefMap", [map(1, "refs", &REF_OF)]);
message!(REF_OF, "map", [one(1, "key", Text), one(2, "value", Kind::Message(&REF))]);
message!(
    ATTESTATIONS_OF,
    "map",
    [one(1, "key", Text), one(2, "value", Kind::Message(&ATTESTATIONS)),]
);
message!(ATTESTATIONS, "Attestations", [many(1, "attestation", Kind::Message(&ATTESTATION))]);
message!(
    ATTESTATION,
    "Attestation",
    [
        one(1, "kind", Number),
        map(2, "metadata", &BYTES),
        one(3, "ref", Kind::Message(&REF)),
        one(4, "path", Text),
        one(5, "inTotoPredicateType", Text),
        many(6, "inTotoSubjects", Kind::Message(&SUBJECT)),
    ]
);
message!(
    SUBJECT,
    "InTotoSubject",
    [one(1, "kind", Number), many(2, "digest", Text), one(3, "name", Text),]
);

// What both carry.

message!(POLICY, "Policy", [one(1, "version", Number), many(2, "rules", Kind::Message(&RULE))]);
message!(
    RULE,
    "Rule",
    [
        one(1, "action", Number),
        one(2, "selector", Kind::Message(&SELECTOR)),
        one(3, "updates", Kind::Message(&SOURCE_OP)),
    ]
);
message!(
    SELECTOR,
    "Selector",
    [
        one(1, "identifier", Text),
        one(2, "match_type", Number),
        many(3, "constraints", Kind::Message(&CONSTRAINT)),
    ]
);
message!(
    CONSTRAINT,
    "AttrConstraint",
    [one(1, "key", Text), one(2, "value", Text), one(3, "condition", Number),]
);
message!(
    PLATFORM,
    "Platform",
    [
        one(1, "Architecture", Text),
        one(2, "OS", Text),
        one(3, "Variant", Text),
        one(4, "OSVersion", Text),
        many(5, "OSFeatures", Text),
    ]
);
message!(DEFINITIONS, "map", [one(1, "key", Text), one(2, "value", Kind::Message(&DEFINITION)),]);
// The steps themselves stay the bytes that their digests are of; they are read by [`OP`].
message!(
    DEFINITION,
    "Definition",
    [
        many(1, "def", Bytes),
        map(2, "metadata", &STEP_NOTES),
        one(3, "Source", Kind::Message(&SOURCE_MAP)),
    ]
);
message!(STEP_NOTES, "map", [one(1, "key", Text), one(2, "value", Kind::Message(&STEP_NOTE))]);
message!(
    STEP_NOTE,
    "OpMetadata",
    [
        one(1, "ignore_cache", Number),
        map(2, "description", &TEXTS),
        one(4, "export_cache", Kind::Message(&EXPORT_CACHE)),
        map(5, "caps", &FLAGS),
        one(6, "progress_group", Kind::Message(&PROGRESS)),
    ]
);
message!(EXPORT_CACHE, "ExportCache", [one(1, "Value", Number)]);
message!(
    PROGRESS,
    "ProgressGroup",
    [one(1, "id", Text), one(2, "name", Text), one(3, "weak", Number),]
);
message!(
    SOURCE_MAP,
    "Source",
    [map(1, "locations", &LOCATIONS_OF), many(2, "infos", Kind::Message(&SOURCE_INFO)),]
);
message!(
    SOURCE_INFO,
    "SourceInfo",
    [
        one(1, "filename", Text),
        one(2, "data", Bytes),
        one(3, "definition", Kind::Message(&DEFINITION)),
        one(4, "language", Text),
    ]
);
message!(LOCATIONS_OF, "map", [one(1, "key", Text), one(2, "value", Kind::Message(&LOCATIONS)),]);
message!(LOCATIONS, "Locations", [many(1, "locations", Kind::Message(&LOCATION))]);
message!(
    LOCATION,
    "Location",
    [one(1, "sourceIndex", Number), many(2, "ranges", Kind::Message(&RANGE)),]
);
message!(
    RANGE,
    "Range",
    [one(1, "start", Kind::Message(&POSITION)), one(2, "end", Kind::Message(&POSITION)),]
);
message!(POSITION, "Position", [one(1, "line", Number), one(2, "character", Number)]);

// A step, in as far as it is judged. Other fields are BuildKit's own affair.

message!(
    OP,
    "Op",
    [
        one(2, "exec", Kind::Message(&EXEC)),
        one(3, "source", Kind::Message(&SOURCE_OP)),
        one(5, "build", Kind::Message(&BUILD_OP)),
    ]
);
message!(
    EXEC,
    "ExecOp",
    [
        one(1, "meta", Kind::Message(&META)),
        many(2, "mounts", Kind::Message(&MOUNT)),
        one(3, "network", Number),
        one(4, "security", Number),
        many(6, "cdiDevices", Bytes),
    ]
);
message!(META, "Meta", [one(10, "cgroupParent", Text)]);
message!(MOUNT, "Mount", [one(20, "cacheOpt", Kind::Message(&CACHE_MOUNT))]);
message!(CACHE_MOUNT, "CacheOpt", [one(1, "ID", Text)]);
message!(SOURCE_OP, "SourceOp", [one(1, "identifier", Text), map(2, "attrs", &TEXTS)]);
message!(
    BUILD_OP,
    "BuildOp",
    [one(3, "def", Kind::Message(&DEFINITION)), map(4, "attrs", &TEXTS),]
);
