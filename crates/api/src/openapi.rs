//! The OpenAPI document, made from the list of endpoints and the types of `wire`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use bytes::Bytes;
use procyon_wire::{List, Problem};
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::Type;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, Object, OpenApi, OpenApiBuilder, PathItem, PathsBuilder, Ref,
    RefOr, Required, ResponseBuilder, Schema,
};
use utoipa::{PartialSchema, ToSchema};

use crate::query::{Holds, Param};
use crate::v1::{self, Endpoint};

/// Schemas that are referred to, by name.
pub(crate) type Schemas = BTreeMap<String, RefOr<Schema>>;

/// Takes in the schema of a type and those it refers to; returns its name.
pub(crate) fn schema_of<T: ToSchema>(schemas: &mut Schemas) -> String {
    let mut more = Vec::new();
    T::schemas(&mut more);
    schemas.extend(more);
    let name = T::name().into_owned();
    schemas.insert(name.clone(), T::schema());
    name
}

/// Takes in the schema of a list of rows; returns its name.
pub(crate) fn list_of<T: ToSchema>(schemas: &mut Schemas) -> String {
    let name = format!("{}List", schema_of::<T>(schemas));
    schemas.insert(name.clone(), List::<T>::schema());
    name
}

/// Serves the document.
pub(crate) async fn answer() -> impl IntoResponse {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| document().to_json().unwrap_or_default().into());
    ([(header::CONTENT_TYPE, "application/json")], TEXT.clone())
}

/// Makes the document.
pub(crate) fn document() -> OpenApi {
    let mut schemas = Schemas::new();
    let problem = schema_of::<Problem>(&mut schemas);
    let mut paths = PathsBuilder::new();
    for endpoint in v1::endpoints() {
        let operation = operation(&endpoint, &mut schemas, &problem);
        paths = paths.path(format!("/api/v1{}", endpoint.path), PathItem::new(endpoint.method, operation));
    }
    let components = schemas.into_iter().fold(ComponentsBuilder::new(), |all, (name, schema)| all.schema(name, schema));
    let components = components.security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let info = InfoBuilder::new()
        .title("Procyon")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Which process used up this machine, when, and what to do about it. Numbers are in base units: bytes, seconds, cores, ratios 0 to 1, per second; instants in Unix ms. What is not known is null, never 0."))
        .build();
    OpenApiBuilder::new().info(info).paths(paths.build()).components(Some(components.build())).build()
}

fn operation(endpoint: &Endpoint, schemas: &mut Schemas, problem: &str) -> utoipa::openapi::path::Operation {
    let mut operation = OperationBuilder::new().operation_id(Some(endpoint.id)).summary(Some(endpoint.about));
    for name in ["host", "key"] {
        if endpoint.path.contains(&format!("{{{name}}}")) {
            operation = operation.parameter(in_path(name));
        }
    }
    for param in endpoint.params {
        operation = operation.parameter(in_query(param));
    }
    if let Some(takes) = endpoint.takes {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(takes(schemas)))).build();
        operation = operation.request_body(Some(
            RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True)).build(),
        ));
    }
    let response = match endpoint.gives {
        Some(gives) if is_socket(endpoint) => {
            ResponseBuilder::new().description(format!("The WebSocket; its messages are of {}.", gives(schemas)))
        }
        Some(gives) => ResponseBuilder::new().description(endpoint.about).content(
            "application/json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name(gives(schemas)))).build(),
        ),
        None => ResponseBuilder::new()
            .description(endpoint.about)
            .content("application/json", ContentBuilder::new().schema(Some(Object::with_type(Type::Object))).build()),
    };
    let status = if is_socket(endpoint) { "101" } else { "200" };
    let wrong = ContentBuilder::new().schema(Some(Ref::from_schema_name(problem))).build();
    let wrong =
        ResponseBuilder::new().description("What went wrong.").content("application/problem+json", wrong).build();
    if endpoint.id == "process" {
        let elsewhere =
            ResponseBuilder::new().description("A bare pid: `location` is the process that has it now.").build();
        operation = operation.response("307", elsewhere);
    }
    operation.response(status, response.build()).response("default", wrong).build()
}

fn is_socket(endpoint: &Endpoint) -> bool {
    matches!(endpoint.id, "live" | "trace")
}

fn in_path(name: &str) -> Parameter {
    let about = match name {
        "host" => "Id, name or alias of the machine; `local` is this one.",
        _ => "Address of the process: `{pid}-{start in clock ticks}-{boot}`.",
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(about))
        .schema(Some(Object::with_type(Type::String)))
        .build()
}

fn in_query(param: &Param) -> Parameter {
    let kind = match param.holds {
        Holds::Text => Type::String,
        Holds::Count | Holds::Whole => Type::Integer,
    };
    ParameterBuilder::new()
        .name(param.name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(param.about))
        .schema(Some(Object::with_type(kind)))
        .build()
}
