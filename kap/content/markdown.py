"""Markdown to HTML that may stand on a page without a second look."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

# The label of a source in running text, in the manner of a footnote: [^label].
CITATION = re.compile(r"\[\^([a-z0-9-]+)\]")

# h1 is the page's own title.
_TAGS = {"p", "h2", "h3", "ul", "ol", "li", "strong", "em", "blockquote", "a", "sup", "hr", "br", "code"}
_ATTRIBUTES = {"a": {"href", "aria-label"}, "sup": {"class"}, "ol": {"start"}}
_LINK = re.compile(r"(?:https?://|#source-)", re.IGNORECASE)


def render(text: str, citations: Mapping[str, int] | None = None) -> Markup:
    """HTML of `text`. `citations` gives the number of each source label; other labels stay as written."""
    return _cleaned(_PARSER.render(text, {"citations": citations or {}}))


def render_line(text: str, citations: Mapping[str, int] | None = None) -> Markup:
    """HTML of one line, without a paragraph around it."""
    return _cleaned(_PARSER.renderInline(text, {"citations": citations or {}}))


def tree(
    text: str, citations: Mapping[str, int] | None = None, *, inline: bool = False
) -> list[dict[str, Any]]:
    """The same text as plain data, for a typesetter: nodes of a kind with "text", "inside" or both.

    Kinds: paragraph, heading (level), list (ordered, start), item, quote, rule, text, strong, em, link (url),
    citation (number), break, code. HTML, pictures and links that are not web addresses do not come along.
    """
    read = _PARSER.parseInline if inline else _PARSER.parse
    tokens = read(text, {"citations": citations or {}})
    return _nodes(SyntaxTreeNode(tokens).children, citations or {})


def _nodes(children: Sequence[SyntaxTreeNode], citations: Mapping[str, int]) -> list[dict[str, Any]]:
    return [node for child in children for node in _node(child, citations)]


def _node(node: SyntaxTreeNode, citations: Mapping[str, int]) -> list[dict[str, Any]]:
    if node.type in _LEAVES:
        return [{"kind": _LEAVES[node.type], "text": " " if node.type == "softbreak" else node.content}]
    if node.type == "citation":
        return [{"kind": "citation", "number": citations[node.content]}]
    if node.type == "image":
        return []
    inside = _nodes(node.children, citations)
    if node.type == "inline" or (node.type == "link" and not _WEB.match(str(node.attrs.get("href", "")))):
        return inside
    return [{"kind": _KINDS[node.type], "inside": inside, **_particulars(node)}]


def _particulars(node: SyntaxTreeNode) -> dict[str, Any]:
    if node.type == "heading":
        return {"level": int(node.tag[1])}
    if node.type in ("bullet_list", "ordered_list"):
        return {"ordered": node.type == "ordered_list", "start": int(node.attrs.get("start", 1))}
    return {"url": str(node.attrs["href"])} if node.type == "link" else {}


_LEAVES = {
    "text": "text",
    "softbreak": "text",
    "hardbreak": "break",
    "code_inline": "code",
    "code_block": "code",
    "fence": "code",
    "hr": "rule",
}
_KINDS = {
    "paragraph": "paragraph",
    "heading": "heading",
    "bullet_list": "list",
    "ordered_list": "list",
    "list_item": "item",
    "blockquote": "quote",
    "strong": "strong",
    "em": "em",
    "link": "link",
}
_WEB = re.compile(r"https?://", re.IGNORECASE)


def source_anchor(label: str) -> str:
    """The element id a citation points to in the list of sources."""
    return f"source-{label}"


def _citation(state: StateInline, silent: bool) -> bool:
    found = CITATION.match(state.src, state.pos)
    if not found or found[1] not in state.env.get("citations", {}):
        return False
    if not silent:
        token = state.push("citation", "", 0)
        token.content = found[1]
    state.pos = found.end()
    return True


def _citation_html(
    _renderer: RendererHTML, tokens: list[Token], index: int, _options: OptionsDict, env: EnvType
) -> str:
    label = tokens[index].content
    number = env["citations"][label]
    link = f'<a href="#{source_anchor(label)}" aria-label="Source {number}">{number}</a>'
    return f'<sup class="citation">{link}</sup>'


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    parser.inline.ruler.before("link", "citation", _citation)
    parser.add_render_rule("citation", _citation_html)
    return parser


def _web_links_only(_tag: str, attribute: str, value: str) -> str | None:
    return value if attribute != "href" or _LINK.match(value) else None


def _cleaned(html: str) -> Markup:
    return Markup(  # noqa: S704 - nh3 has just reduced it to the list above
        nh3.clean(
            html,
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            attribute_filter=_web_links_only,
            url_schemes={"http", "https"},
            link_rel="noopener noreferrer",
        )
    )


_PARSER = _parser()
