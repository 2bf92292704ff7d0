"""Read a source without the pipeline."""

from data_prep.rows import Reject, Rejected
from data_prep.tables.table import all_rows


def read_all(source):
    """The samples, the rejections and the number of rows of other splits that a source gives, without the pipeline."""
    samples, rejected, others = [], [], 0
    assert not source.problems()
    for table in source.tables():
        for place, row in all_rows(table):
            if isinstance(row, Rejected):
                rejected.append(row)
                continue
            row_id = source.row_id(place, row)
            try:
                sample = source.sample(row_id, row)
            except Reject as reject:
                rejected.append(Rejected(row_id, reject.reason, reject.detail))
                continue
            if sample is None:
                others += 1
            else:
                samples.append(sample)
    return samples, rejected, others
