//! JSON on the topic, and rows for authors who think in rows.
