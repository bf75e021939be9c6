"""Names on the Hugging Face Hub, and its errors in one line each. Needs huggingface_hub only when it is used."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from condgen.errors import CondgenError

NAME = re.compile(r"(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[\w./-]+))?", re.ASCII)


@contextmanager
def in_one_line(name: str, doing: str) -> Iterator[None]:
    """Context manager that turns errors of the hub or the network into a CondgenError of one line."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError:
        why = "access is restricted; request it on the page of the repository, then run hf auth login"
    except errors.RepositoryNotFoundError:
        why = "no repository has this name, or it is private and your token (hf auth login) gives no access"
    except errors.RevisionNotFoundError:
        why = "the repository has no such revision"
    except errors.OfflineModeIsEnabled:
        why = "HF_HUB_OFFLINE is set"
    except errors.LocalEntryNotFoundError:
        why = "the Hub cannot be reached (offline?), and its cache holds no copy"
    except errors.HfHubHTTPError as error:
        said = error.response.status_code
        why = "the Hub rejects your token; run hf auth login" if said == 401 else f"the Hub answered {_brief(error)}"
    except (errors.HFValidationError, ValueError) as error:
        why = _brief(error)
    except Exception as error:
        if not isinstance(error, OSError) and not type(error).__module__.startswith("httpx"):
            raise
        why = f"the Hub cannot be reached ({_brief(error)})"
    else:
        return
    raise CondgenError(f"cannot {doing} {name!r}: {why}.")


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")
