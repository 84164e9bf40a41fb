//! Makes the tables that template.yaml declares, so that the one-machine tables cannot drift from the deployed ones.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, LocalSecondaryIndex,
    Projection, TableDescription, TimeToLiveSpecification, TimeToLiveStatus,
};
use serde::Deserialize;
use serde_yaml_ng::Value;
use shared::aws::failure;
use shared::{Error, Result};

/// The `Properties` of an `AWS::DynamoDB::Table`, as far as they shape what the code may ask of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Table {
    attribute_definitions: Vec<Attribute>,
    key_schema: Vec<Key>,
    #[serde(default)]
    global_secondary_indexes: Vec<Index>,
    #[serde(default)]
    local_secondary_indexes: Vec<Index>,
    time_to_live_specification: Option<TimeToLive>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    attribute_name: String,
    key_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Index {
    index_name: String,
    key_schema: Vec<Key>,
    projection: IndexProjection,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexProjection {
    projection_type: String,
    non_key_attributes: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimeToLive {
    attribute_name: String,
    enabled: bool,
}

/// Makes the tables of a CloudFormation `template`, unless they exist; answers their names.
///
/// A table is named `prefix` and its logical id in lower case: the names in the template hold references that only
/// CloudFormation can resolve.
///
/// # Errors
/// Internal when the template cannot be read; Conflict (`local-table-changed`) when a table exists in another shape.
pub async fn create_tables(client: &Client, template: &str, prefix: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (logical_id, table) in tables(template)? {
        let name = format!("{prefix}{}", logical_id.to_lowercase());
        create(client, &name, &table).await?;
        if let Some(time_to_live) = table.time_to_live_specification.filter(|setting| setting.enabled) {
            expire_by(client, &name, time_to_live.attribute_name).await?;
        }
        names.push(name);
    }
    Ok(names)
}

/// The tables by logical id, in the template's order.
fn tables(template: &str) -> Result<Vec<(String, Table)>> {
    let template: Value = serde_yaml_ng::from_str(template).map_err(Error::internal)?;
    let resources = template.get("Resources").and_then(Value::as_mapping);
    let mut tables = Vec::new();
    for (logical_id, resource) in resources.into_iter().flatten() {
        let kind = resource.get("Type").and_then(Value::as_str);
        let (Some("AWS::DynamoDB::Table"), Some(logical_id)) = (kind, logical_id.as_str()) else { continue };
        let properties = resource.get("Properties").cloned().unwrap_or_default();
        let table = serde_yaml_ng::from_value(properties).map_err(Error::internal)?;
        tables.push((logical_id.to_owned(), table));
    }
    Ok(tables)
}

async fn create(client: &Client, name: &str, table: &Table) -> Result<()> {
    let request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(each(&table.attribute_definitions, attribute)?))
        .set_key_schema(Some(each(&table.key_schema, key)?))
        .set_global_secondary_indexes(unless_empty(each(&table.global_secondary_indexes, global_index)?))
        .set_local_secondary_indexes(unless_empty(each(&table.local_secondary_indexes, local_index)?));
    let Err(error) = request.send().await else { return Ok(()) };
    match error.as_service_error() {
        Some(CreateTableError::ResourceInUseException(_)) => {
            let answer = client.describe_table().table_name(name).send().await.map_err(failure)?;
            if answer.table.as_ref().is_some_and(|found| has_shape(found, table)) {
                return Ok(());
            }
            Err(Error::conflict(
                "local-table-changed",
                format!("The table {name} was made from an older template and has other keys or indexes."),
            )
            .next("Move the local data directory away and start again."))
        }
        Some(_) | None => Err(failure(error)),
    }
}

/// Whether the table has the template's key and the template's indexes, by name.
fn has_shape(found: &TableDescription, table: &Table) -> bool {
    let key: Vec<_> = found.key_schema().iter().map(KeySchemaElement::attribute_name).collect();
    let mut indexes: Vec<_> =
        found.global_secondary_indexes().iter().filter_map(|i| i.index_name()).collect();
    indexes.extend(found.local_secondary_indexes().iter().filter_map(|index| index.index_name()));
    indexes.sort_unstable();
    let declared = table.global_secondary_indexes.iter().chain(&table.local_secondary_indexes);
    let mut declared: Vec<_> = declared.map(|index| index.index_name.as_str()).collect();
    declared.sort_unstable();
    key.iter().eq(table.key_schema.iter().map(|key| &key.attribute_name)) && indexes == declared
}

/// Turns time to live on, unless it is: DynamoDB refuses to do it twice.
async fn expire_by(client: &Client, name: &str, attribute: String) -> Result<()> {
    let answer = client.describe_time_to_live().table_name(name).send().await.map_err(failure)?;
    let status = answer.time_to_live_description.and_then(|description| description.time_to_live_status);
    if status == Some(TimeToLiveStatus::Enabled) {
        return Ok(());
    }
    let setting = TimeToLiveSpecification::builder().attribute_name(attribute).enabled(true).build();
    let setting = setting.map_err(Error::internal)?;
    let request = client.update_time_to_live().table_name(name).time_to_live_specification(setting);
    request.send().await.map_err(failure)?;
    Ok(())
}

fn each<T, U>(items: &[T], convert: fn(&T) -> Result<U, BuildError>) -> Result<Vec<U>> {
    items.iter().map(convert).collect::<Result<_, _>>().map_err(Error::internal)
}

/// DynamoDB refuses an empty list of indexes.
fn unless_empty<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

fn attribute(attribute: &Attribute) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder()
        .attribute_name(&attribute.attribute_name)
        .attribute_type(attribute.attribute_type.as_str().into())
        .build()
}

fn key(key: &Key) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder()
        .attribute_name(&key.attribute_name)
        .key_type(key.key_type.as_str().into())
        .build()
}

fn keys(keys: &[Key]) -> Result<Vec<KeySchemaElement>, BuildError> {
    keys.iter().map(key).collect()
}

fn projection(projection: &IndexProjection) -> Projection {
    Projection::builder()
        .projection_type(projection.projection_type.as_str().into())
        .set_non_key_attributes(projection.non_key_attributes.clone())
        .build()
}

fn global_index(index: &Index) -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(&index.index_name)
        .set_key_schema(Some(keys(&index.key_schema)?))
        .projection(projection(&index.projection))
        .build()
}

fn local_index(index: &Index) -> Result<LocalSecondaryIndex, BuildError> {
    LocalSecondaryIndex::builder()
        .index_name(&index.index_name)
        .set_key_schema(Some(keys(&index.key_schema)?))
        .projection(projection(&index.projection))
        .build()
}

#[cfg(test)]
mod tests {
    use shared::Kind;
    use shared::time::Clock;

    use super::*;
    use crate::aws::{LocalAws, Storage};

    const TEMPLATE: &str = r#"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: { Type: String, Default: production }
Resources:
  Checkin:
    Type: AWS::Serverless::Function
    Properties:
      Policies: [!GetAtt Core.Arn]
  Core:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    Properties:
      TableName: !Sub "${AWS::StackName}-core"
      BillingMode: PAY_PER_REQUEST
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: !If [IsProduction, true, false] }
      AttributeDefinitions:
        - { AttributeName: pk, AttributeType: S }
        - { AttributeName: sk, AttributeType: S }
        - { AttributeName: waiting, AttributeType: S }
        - { AttributeName: topic, AttributeType: S }
      KeySchema:
        - { AttributeName: pk, KeyType: HASH }
        - { AttributeName: sk, KeyType: RANGE }
      LocalSecondaryIndexes:
        - IndexName: waiting
          KeySchema:
            - { AttributeName: pk, KeyType: HASH }
            - { AttributeName: waiting, KeyType: RANGE }
          Projection: { ProjectionType: ALL }
      GlobalSecondaryIndexes:
        - IndexName: topic
          KeySchema: [{ AttributeName: topic, KeyType: HASH }]
          Projection: { ProjectionType: INCLUDE, NonKeyAttributes: [state] }
  Ephemeral:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }]
      KeySchema: [{ AttributeName: pk, KeyType: HASH }]
      TimeToLiveSpecification: { AttributeName: expires_at, Enabled: true }
"#;

    #[tokio::test]
    async fn the_tables_have_the_templates_keys_indexes_and_time_to_live() {
        let aws = LocalAws::start(Storage::Memory, Clock::system()).await.unwrap();
        let client = Client::new(&aws.sdk_config());
        let names = create_tables(&client, TEMPLATE, "pomarium-").await.unwrap();
        assert_eq!(names, ["pomarium-core", "pomarium-ephemeral"]);
        let again = create_tables(&client, TEMPLATE, "pomarium-").await.unwrap();
        assert_eq!(again, names);

        let core = client.describe_table().table_name("pomarium-core").send().await.unwrap().table.unwrap();
        assert_eq!(core.local_secondary_indexes()[0].index_name(), Some("waiting"));
        let projection = core.global_secondary_indexes()[0].projection().unwrap();
        assert_eq!(projection.non_key_attributes(), ["state"]);

        let answer = client.describe_time_to_live().table_name("pomarium-ephemeral").send().await.unwrap();
        let time_to_live = answer.time_to_live_description.unwrap();
        assert_eq!(time_to_live.attribute_name(), Some("expires_at"));
        assert_eq!(time_to_live.time_to_live_status(), Some(&TimeToLiveStatus::Enabled));
    }

    #[tokio::test]
    async fn a_table_of_an_older_template_is_named_and_left_alone() {
        let aws = LocalAws::start(Storage::Memory, Clock::system()).await.unwrap();
        let client = Client::new(&aws.sdk_config());
        create_tables(&client, TEMPLATE, "").await.unwrap();

        let renamed = TEMPLATE.replace("IndexName: topic", "IndexName: by-topic");
        let error = create_tables(&client, &renamed, "").await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Conflict, "local-table-changed"));
        assert!(error.to_string().starts_with("The table core was made from an older template"));
    }

    #[test]
    fn a_template_that_is_not_yaml_or_not_a_table_is_our_fault() {
        for template in ["a: [", "Resources: { Core: { Type: AWS::DynamoDB::Table } }"] {
            assert_eq!(tables(template).unwrap_err().kind(), Kind::Internal);
        }
        assert!(tables("Resources: {}").unwrap().is_empty());
    }
}
