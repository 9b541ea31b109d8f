from metering.admin.daily_usage import DailyUsageAdmin
from metering.admin.entry import LedgerEntryAdmin
from metering.admin.hold import HoldAdmin
from metering.admin.ledger_check import LedgerCheckAdmin
from metering.admin.notice import NoticeAdmin
from metering.admin.rate_card import ConversionRateAdmin, RateCardAdmin
from metering.admin.spending_brake import SpendingBrakeAdmin
from metering.admin.token_ledger import TokenLedgerAdmin
from metering.admin.usage_event import UsageEventAdmin

__all__ = [
    "ConversionRateAdmin",
    "DailyUsageAdmin",
    "HoldAdmin",
    "LedgerCheckAdmin",
    "LedgerEntryAdmin",
    "NoticeAdmin",
    "RateCardAdmin",
    "SpendingBrakeAdmin",
    "TokenLedgerAdmin",
    "UsageEventAdmin",
]
