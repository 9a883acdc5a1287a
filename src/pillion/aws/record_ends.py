"""What local AWS holds of records that a log router sent to Kinesis, Firehose or S3.

Only a record itself says which container wrote it: reading is here, telling apart is `core.awslogs.counting`.
A delivery stream of Firehose is read where it delivers, in S3.
"""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from typing import Any, Final

from msgspec import Struct

from pillion.aws.clients import AwsClients

_GZIP: Final = b"\x1f\x8b"
_PAGE: Final = 1000


class NoEndError(Exception):
    """Nobody can look at where these records end. The message says why."""


async def kinesis_records(clients: AwsClients, stream: str, region: str | None) -> AsyncIterator[bytes]:
    """Yield all records of a stream of Kinesis. Raises AwsCallError."""
    found = await clients.call("kinesis", "list_shards", region=region, StreamName=stream)
    for shard in found["Shards"]:
        answer = await clients.call(
            "kinesis",
            "get_shard_iterator",
            region=region,
            StreamName=stream,
            ShardId=shard["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )
        place = answer["ShardIterator"]
        while place:
            page = await clients.call(
                "kinesis", "get_records", region=region, ShardIterator=place, Limit=_PAGE
            )
            if not page["Records"]:
                break
            for record in page["Records"]:
                yield record["Data"]
            place = page.get("NextShardIterator")


async def firehose_records(clients: AwsClients, stream: str, region: str | None) -> AsyncIterator[bytes]:
    """Yield what a delivery stream of Firehose delivered to S3. Raises AwsCallError, NoEndError."""
    answer = await clients.call(
        "firehose", "describe_delivery_stream", region=region, DeliveryStreamName=stream
    )
    for destination in answer["DeliveryStreamDescription"]["Destinations"]:
        place = destination.get("ExtendedS3DestinationDescription") or destination.get(
            "S3DestinationDescription"
        )
        if place is None:
            raise NoEndError(f"{stream} does not deliver to S3")
        bucket = place["BucketARN"].rpartition(":")[2]
        async for content in s3_objects(clients, bucket, region, prefix=place.get("Prefix", "")):
            yield content


async def s3_objects(
    clients: AwsClients, bucket: str, region: str | None, *, prefix: str = ""
) -> AsyncIterator[bytes]:
    """Yield the content of all objects below a prefix, unpacked. Raises AwsCallError, NoEndError."""
    more: dict[str, str] = {}
    while True:
        page = await clients.call(
            "s3", "list_objects_v2", region=region, Bucket=bucket, Prefix=prefix, MaxKeys=_PAGE, **more
        )
        for item in page.get("Contents", ()):
            yield _unpacked(await clients.use("s3", _Reading(bucket, item["Key"]), operation="GetObject"))
        if not page.get("IsTruncated"):
            return
        more = {"ContinuationToken": page["NextContinuationToken"]}


class _Reading(Struct, frozen=True):
    """Reads one object, as an action of `AwsClients.use`."""

    bucket: str
    key: str

    def __call__(self, client: Any) -> bytes:  # noqa: ANN401 - boto3 ships no types
        body: bytes = client.get_object(Bucket=self.bucket, Key=self.key)["Body"].read()
        return body


def _unpacked(content: bytes) -> bytes:
    if not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise NoEndError(f"what arrived is compressed and cannot be read: {error}") from error
