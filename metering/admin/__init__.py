from metering.admin.daily_usage import DailyUsageAdmin
from metering.admin.entry import LedgerEntryAdmin
from metering.admin.hold import HoldAdmin
from metering.admin.notice import NoticeAdmin
from metering.admin.rate_card import ConversionRateAdmin, RateCardAdmin
from metering.admin.token_ledger import TokenLedgerAdmin
from metering.admin.usage_event import UsageEventAdmin

__all__ = [
    "ConversionRateAdmin",
    "DailyUsageAdmin",
    "HoldAdmin",
    "LedgerEntryAdmin",
    "NoticeAdmin",
    "RateCardAdmin",
    "TokenLedgerAdmin",
    "UsageEventAdmin",
]
