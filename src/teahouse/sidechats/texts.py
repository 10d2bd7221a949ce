"""What an account's user says of itself, in the account's language: pure."""

from __future__ import annotations

from collections.abc import Mapping

ENGLISH = "en"
READ = {
    "en": "Staff of {name} read this chat; it is not end-to-end encrypted.",
    "id": "Staf {name} membaca obrolan ini; obrolan ini tidak dienkripsi ujung ke ujung.",
    "fr": "L’équipe de {name} lit cette discussion ; elle n’est pas chiffrée de bout en bout.",
    "zh": "{name} 的工作人员会阅读此聊天；此聊天未经端到端加密。",
}
DECLINED = {
    "en": "Staff of {name} read what is written to them, so this works without end-to-end encryption only. "
    "The chat with them is open for you: {room_id}",
    "id": "Staf {name} membaca pesan untuk mereka, jadi ini hanya berjalan tanpa enkripsi ujung ke ujung. "
    "Obrolan dengan mereka sudah terbuka untuk Anda: {room_id}",
    "fr": "L’équipe de {name} lit ce qu’on lui écrit : cela ne marche que sans chiffrement de bout en bout. "
    "La discussion avec elle est ouverte pour vous : {room_id}",
    "zh": "{name} 的工作人员会阅读发给他们的消息，因此只能在没有端到端加密的情况下进行。"
    "与他们的聊天已为你打开：{room_id}",
}
REFUSED = {
    "en": "@{handle} could not open a chat for you now. {why}",
    "id": "@{handle} saat ini tidak dapat membuka obrolan untuk Anda. {why}",
    "fr": "@{handle} n’a pas pu ouvrir de discussion pour vous maintenant. {why}",
    "zh": "@{handle} 目前无法为你打开聊天。{why}",
}


def said(texts: Mapping[str, str], language: str, **words: str) -> str:
    """One of the texts in a language (a tag such as zh-Hans), or in English."""
    primary = language.partition("-")[0].lower()
    return texts.get(primary, texts[ENGLISH]).format(**words)
