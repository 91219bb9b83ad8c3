"""Writes Delta tables with Spark from a plan: `write_tables.py PLAN.json [--master M] [--conf K=V …]`.

The plan (lib/metrics/spark/plan.ts) names the source tables, and for each table to write its path,
columns and query. On a cluster whose session already exists (Databricks), no master is needed.
"""

import argparse
import json
import os

from delta import DeltaTable, configure_spark_with_delta_pip
from pyspark.sql import SparkSession

TYPES = {"long": "bigint"}


def read_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("plan")
    parser.add_argument("--master", help="such as local[*] or spark://host:7077")
    parser.add_argument("--conf", action="append", default=[], metavar="KEY=VALUE")
    return parser.parse_args()


def open_session(master, conf):
    """The session that is there already, a remote one that SPARK_REMOTE names, or one of our own."""
    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    builder = SparkSession.builder.appName("clickstream metrics")
    for setting in conf:
        builder = builder.config(*setting.split("=", 1))
    if "SPARK_REMOTE" in os.environ:
        return builder.getOrCreate()
    builder = (
        builder.config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    )
    if master:
        builder = builder.master(master)
    return configure_spark_with_delta_pip(builder).getOrCreate()


def create_table(spark, table):
    """Makes the table with its columns, unless it is there: then it keeps properties and history."""
    builder = DeltaTable.createIfNotExists(spark).location(table["path"]).comment(table["description"])
    for column in table["columns"]:
        kind = TYPES.get(column["type"], column["type"])
        builder = builder.addColumn(
            column["name"], kind, nullable=column["nullable"], comment=column["comment"]
        )
    builder.execute()


def main():
    arguments = read_arguments()
    with open(arguments.plan, encoding="utf-8") as file:
        plan = json.load(file)
    spark = open_session(arguments.master, arguments.conf)
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    for source in plan["sources"]:
        spark.read.format("delta").load(source["path"]).createOrReplaceTempView(source["name"])
    for table in plan["tables"]:
        create_table(spark, table)
        spark.sql(table["sql"]).write.format("delta").mode("overwrite").save(table["path"])
        print(f"{table['name']}: written to {table['path']}", flush=True)


main()
