"""Everything the environment decides, read once at start."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import SettingsConfigDict

from shared.settings import (
    BaseUrlSetting,
    DatabaseSettings,
    PublicIdentitySetting,
)

from .master_keys.aws import KmsKey

__all__ = ["Settings"]

_PREFIX = "AG2TRUST_CREDENTIALS_"


class Settings(DatabaseSettings):
    """Settings of the credentials service.

    The master key wraps every data key; without it no secret can be read again. It is
    *master_key* `local`, the file *master_key_file*, or `aws`, a key in KMS known by
    *master_key_alias* and *master_key_region*; the credentials for it are those that
    AWS's SDK finds around the process. Retired keys still unwrap (`master_keys.ring`).
    *runners_file* says which runners may ask for secrets (`enrolment`), and
    *metrics_identity* who may for those of webhooks.
    *audit_folder* keeps the signed heads of the audit (`shared.audit_heads`).
    *rewraps_per_second* leaves room for others under the limits of KMS.
    *allow_ambient_aws_identity* lets roles be assumed by what AWS's SDK finds around
    the process, at AWS STS or at *sts_endpoint_url*.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX)

    master_key: Literal["local", "aws"] = "local"
    master_key_file: Path | None = None
    master_key_alias: str | None = Field(default=None, pattern=r"^alias/[\w/-]+$")
    master_key_region: str | None = Field(default=None, pattern=r"^[a-z0-9-]+$")
    master_key_endpoint_url: BaseUrlSetting | None = None
    master_key_arns: frozenset[str] = frozenset()
    retired_master_key_files: tuple[Path, ...] = ()
    retired_master_key_arns: frozenset[str] = frozenset()
    runners_file: Path
    metrics_identity: PublicIdentitySetting
    audit_folder: Path
    rewraps_per_second: int = Field(default=100, ge=1, le=10_000)
    allow_private_base_urls: bool = False
    allow_ambient_aws_identity: bool = False
    sts_endpoint_url: BaseUrlSetting | None = None

    @property
    def chosen_master_key(self) -> Path | KmsKey:
        """The one master key that wraps: its file, or its place in AWS."""
        if self.master_key == "local":
            return self._local_master_key()
        return self._aws_master_key()

    @model_validator(mode="after")
    def _names_one_master_key(self) -> Self:
        _ = self.chosen_master_key
        return self

    def _local_master_key(self) -> Path:
        if self.master_key_file is None:
            raise _mistake("A local master key needs {}_FILE.")
        for setting in ("alias", "region", "endpoint_url", "arns"):
            if getattr(self, f"master_key_{setting}"):
                raise _mistake(
                    f"{{}}_{setting.upper()} is of a master key in AWS; set {{}}=aws, "
                    "or take it out."
                )
        if self.retired_master_key_arns:
            raise _mistake("A retired key of AWS needs {}=aws.")
        return self.master_key_file

    def _aws_master_key(self) -> KmsKey:
        if self.master_key_file is not None:
            raise _mistake(
                "{}_FILE is of a local master key, and {} is aws. To read what the "
                "file wrapped until all is rewrapped, name it as a retired one."
            )
        if self.master_key_alias is None or self.master_key_region is None:
            raise _mistake("A master key in AWS needs {}_ALIAS and {}_REGION.")
        return KmsKey(
            alias=self.master_key_alias,
            region=self.master_key_region,
            endpoint_url=self.master_key_endpoint_url,
            arns=self.master_key_arns,
            retired_arns=self.retired_master_key_arns,
        )


def _mistake(sentence: str) -> PydanticCustomError:
    told = sentence.replace("{}", f"{_PREFIX}MASTER_KEY")
    return PydanticCustomError("master_key", "{told}", {"told": told})
