"""The studio: the network at work, on one's own table, in the browser.

    session     what the page may ask for and what it hears, without any transport
    worker      a thread that owns a session, runs its training and answers its commands
    server      HTTP on this machine alone: commands by POST, views by a stream of events
    widget      the same view in a notebook
    view/       the page: ES modules and styles

A session is made of `dataset` (the rows), `design` (the network and its settings), `trainer` (forward and back, to the
update), `snapshot` and `spread` (what is drawn), `equations` and `tour` (every number of BP1-BP4), `inspection` (the
certificate, model files, what would be if) and `taking` (files, exports, Python, a recording); `kept` is what a later
session goes on with.
"""

from chainrule.studio.session import Session
from chainrule.studio.widget import studio

__all__ = ["Session", "studio"]
